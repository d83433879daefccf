from django.apps import AppConfig
from django.core import checks


class TenantsConfig(AppConfig):
    name = "apps.tenants"

    def ready(self) -> None:
        # Importing registers them; views and models are ready only now.
        from apps.tenants import schema  # noqa: F401
        from apps.tenants.checks import every_view_names_its_permission

        checks.register(every_view_names_its_permission, checks.Tags.security)

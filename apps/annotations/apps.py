from django.apps import AppConfig


class AnnotationsConfig(AppConfig):
    name = "apps.annotations"

    def ready(self) -> None:
        # Models can be read only once all apps are there.
        from apps.annotations import share_links
        from apps.annotations.following import erase_annotations, move_annotations
        from apps.sessions import store
        from apps.tenants.idempotency import forget_answers, move_answers

        store.register_adoption(move_annotations)
        store.register_erasure(erase_annotations)
        store.register_adoption(move_answers)
        store.register_erasure(forget_answers)
        store.register_adoption(share_links.follow_session)
        store.register_erasure(share_links.forget_session)

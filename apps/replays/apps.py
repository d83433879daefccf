from django.apps import AppConfig


class ReplaysConfig(AppConfig):
    name = "apps.replays"

    def ready(self) -> None:
        # Models are ready only now.
        from apps.providers import caching
        from apps.replays.following import derived_sessions, forget_replays, move_replays
        from apps.replays.suite_following import forget_expectations, move_cases
        from apps.sessions import store

        store.register_adoption(move_replays)
        store.register_derived(derived_sessions)
        store.register_erasure(forget_replays)
        store.register_adoption(move_cases)
        store.register_erasure(forget_expectations)
        # Answers that were paid for belong to the session that they are about.
        store.register_adoption(caching.forget_joined)
        store.register_erasure(caching.forget_session)

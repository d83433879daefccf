from django.apps import AppConfig


class TicketsConfig(AppConfig):
    name = "apps.tickets"

    def ready(self) -> None:
        # Models are ready only now.
        from apps.sessions import store
        from apps.tickets.following import forget_words, move_tickets

        store.register_adoption(move_tickets)
        store.register_erasure(forget_words)

"""Settings, URLs and entry points. Importing Celery here binds ``shared_task`` to our app."""

from config.celery import app as celery_app

__all__ = ["celery_app"]

"""HTTP and WebSocket: the session is known and the origin checked before a socket is accepted."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import WebsocketDenier
from channels.sessions import SessionMiddlewareStack
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
http = get_asgi_application()  # loads the apps, so it comes before what needs them

from jobs.live.origin import SameOrigin  # noqa: E402
from jobs.live.prefix import BelowPrefix  # noqa: E402
from jobs.live.routing import websocket_urlpatterns  # noqa: E402

nowhere = re_path("", WebsocketDenier.as_asgi())  # HTTP 403, as for a foreign origin
application = BelowPrefix(
    ProtocolTypeRouter(
        {
            "http": http,
            "websocket": SameOrigin(
                SessionMiddlewareStack(URLRouter([*websocket_urlpatterns, nowhere]))
            ),
        }
    )
)

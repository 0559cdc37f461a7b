"""Queues and workers: their page, and what people ask of them."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from .. import keys, orchestrator, permissions
from ..exceptions import DatabaseBusy, KeyRefused, UnknownQueue
from ..models import Worker
from ..responses import SERVICE_UNAVAILABLE, ask_again
from ..sight.fleet import read_fleet
from ..statuses import Wanted
from .access import permitted, render
from .actions import FORBIDDEN, LOCKED

DONE_BEFORE = "Nothing to do: {} was so already."
WANTED = {"drain": Wanted.DRAIN, "resume": Wanted.WORK, "stop": Wanted.STOP}


@require_safe
@permitted(permissions.VIEW)
def workers(request: HttpRequest) -> HttpResponse:
    """Queues and living workers; the page's script keeps them up to date."""
    return render(request, "truestep/workers.html", {"fleet": read_fleet()})


@require_POST
@permitted(permissions.QUEUES)
def order_queue(request: HttpRequest, name: str, action: str, refused: str = "") -> HttpResponse:
    """Pause or resume a queue; ``why=`` is kept.

    With *refused*, nothing is done; the response says why and has the form again.
    """
    order = {"pause": orchestrator.pause_queue, "resume": orchestrator.resume_queue}[action]

    def do(why: str, once: str) -> bool:
        return order(name, actor=request.user, source="page", why=why, once=once)

    title = f"{action.capitalize()} the queue {name}"
    return _ordered(request, title, f"the queue {name}", do, (action, name), refused)


@require_POST
@permitted(permissions.WORKERS)
def order_worker(
    request: HttpRequest, worker_id: int, action: str, refused: str = ""
) -> HttpResponse:
    """Drain, resume or stop a worker; as ``order_queue``."""

    def do(why: str, once: str) -> bool:
        return orchestrator.order_worker(
            worker_id, WANTED[action], actor=request.user, source="page", why=why, once=once
        )

    title = f"{action.capitalize()} the worker {worker_id}"
    return _ordered(request, title, f"the worker {worker_id}", do, (action, worker_id), refused)


def _ordered(
    request: HttpRequest,
    title: str,
    subject: str,
    do: Callable[[str, str], bool],
    asked: tuple[str, int | str],
    refused: str,
) -> HttpResponse:
    if refused:
        return ask_again(request, title, refused, status=FORBIDDEN)
    why = request.POST.get("why", "").strip()
    try:
        done = do(why, keys.intent_of(request, *asked, why))
    except KeyRefused as error:
        return ask_again(request, title, str(error))
    except DatabaseBusy as error:
        text = LOCKED.format(error.holder)
        return ask_again(request, title, text, status=SERVICE_UNAVAILABLE)
    except UnknownQueue as error:
        raise Http404(str(error)) from None
    except Worker.DoesNotExist:
        raise Http404(f"There is no {subject.removeprefix('the ')}.") from None
    if not done:
        messages.info(request, DONE_BEFORE.format(subject))
    return redirect("truestep:workers")

"""The views of a job: what the page has in each, and what its socket is sent."""

from __future__ import annotations

import re

import pytest
from asgiref.sync import sync_to_async

from jobs.orchestrator import claim, launch
from tests.support.sockets import position_of, socket


def page(client, job, query=""):
    return client.get(f"/jobs/{job.pk}/{query}").text


def nodes(html):
    return dict(re.findall(r'data-step-ref="(\w+)"\s+data-status="(\w+)"', html))


def test_a_page_has_the_list_and_the_chosen_view(ada, claimant):
    job = launch("diamond")
    claim(claimant, room=1)
    pending = dict.fromkeys(("left", "right", "bottom"), "pending")
    both = pending | {"top": "running"}
    for query, shown in (("", {}), ("?view=graph", both), ("?view=waterfall", both)):
        html = page(ada, job, query)
        assert html.count('class="step"') == 4
        assert nodes(html) == shown
        chosen = re.findall(r'aria-current="page">(\w+)<', html)
        assert chosen == [(query.partition("=")[2] or "list").capitalize()]


def test_the_address_of_a_view_keeps_the_rest(ada, claimant):
    job = launch("thousand_wide")
    html = page(ada, job, "?from=300&view=graph")
    assert f'<a href="/jobs/{job.pk}/?from=300&amp;view=waterfall"' in html
    assert re.search(rf'<a href="/jobs/{job.pk}/\??"', page(ada, job, "?view=graph"))  # the list
    assert 'href="?from=500&amp;view=graph"' in html  # of a page of steps
    assert 'from=300&amp;view=graph"' in re.search(r'data-socket="(\S+)', html)[0]


@pytest.mark.parametrize("query", ["view=tree", "view=GRAPH", "view=%00", "view=graph&from=x"])
def test_an_unknown_view_is_not_found(ada, claimant, query):
    assert ada.get(f"/jobs/{launch('diamond').pk}/?{query}").status_code == 404


@pytest.mark.parametrize("view", ["graph", "waterfall"])
async def test_a_frame_has_what_is_new_in_a_view_only_for_its_pages(ada, claimant, view):
    job = await sync_to_async(launch)("diamond")
    query = await sync_to_async(position_of)(job)
    async with (
        socket(job, ada, query) as listed,
        socket(job, ada, f"{query}&view={view}") as first,
        socket(job, ada, f"{query}&view={view}") as second,
    ):
        await sync_to_async(claim)(claimant, room=1)
        frames = [await each.next("changes") for each in (listed, first, second)]
        assert [nodes(frame["html"]) for frame in frames] == [{}, *[{"top": "running"}] * 2]
        assert all('class="step"' in frame["html"] for frame in frames)
        assert frames[1]["html"] == frames[2]["html"]


async def test_a_socket_of_an_unknown_view_is_refused(ada, claimant):
    job = await sync_to_async(launch)("diamond")
    async with socket(job, ada, "?view=tree") as refused:
        assert await refused.closed() == 4400

"""Text that runs from right to left, or says that it does, leaves the words beside it in order."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from jobs.logs import LogBook
from jobs.orchestrator import claim, finish, launch, retry
from jobs.statuses import Verdict
from tests.browser.support import look_at
from tests.support import drive, ended

pytestmark = pytest.mark.slow

# Where a letter that is outside of an isolated text is drawn to the left of the one before it.
OUT_OF_ORDER = """() => {
  const wrong = [];
  for (const block of document.querySelectorAll('.entry, .line, .facts, .top')) {
    const texts = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    let last = null;
    while (texts.nextNode()) {
      const text = texts.currentNode;
      if (text.parentElement.closest('.unseen')) continue;
      let depth = 0; // inside of an isolated text, which has an order of its own
      for (let at = 0; at < text.length; at += 1) {
        depth += (text.data[at] === '\u2068') - (text.data[at] === '\u2069');
        if (depth > 0 || /[^\\x21-\\x7e]/.test(text.data[at])) continue;
        const range = document.createRange();
        range.setStart(text, at);
        range.setEnd(text, at + 1);
        const box = range.getBoundingClientRect();
        if (!box.width) continue;
        if (last && Math.abs(box.top - last.top) < 2 && box.left < last.left) {
          wrong.push(block.textContent.replace(/\\s+/g, ' ').trim());
          break;
        }
        last = box;
      }
    }
  }
  return [...new Set(wrong)];
}"""
TEXTS = ["\u202eoverridden", "\u2069\u202eescaped", "\u2067isolated", "שלום 12 (3)", "مرحبا 4-5"]


@pytest.mark.parametrize("text", TEXTS)
def test_the_words_beside_it_keep_their_order(page, web, claimant, admin_user, text):
    User.objects.filter(pk=admin_user.pk).update(username=f"ada {text}")
    admin_user.refresh_from_db()
    old = launch("waits", {"gate": text}, actor=admin_user)
    drive(claimant, old, lambda held: ended(Verdict.FAILED))
    retry(old.pk, actor=admin_user, source="page", why=text)
    launch("waits", {"gate": text}, actor=admin_user, again_of=old, why=text)
    [held] = claim(claimant, room=1)
    book = LogBook(held, 1000)
    book.progress(3, 8, text)
    book.write()
    look_at(page, web, old)
    for _ in range(2):  # as it was painted, and as a pulse has drawn it
        expect(page.locator("[data-step=before] .progress-text")).to_contain_text("3 / 8")
        assert page.evaluate(OUT_OF_ORDER) == []
        book.progress(3, 8, text + "!")
        book.write()
        expect(page.locator("[data-step=before] .progress-text")).to_contain_text("!")
    finish(claimant, held, ended(Verdict.FAILED), room=0)

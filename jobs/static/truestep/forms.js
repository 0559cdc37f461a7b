// Sends the forms that ask for something. The response does not show the outcome; frames of the socket do.

const NO_RESPONSE = "No response. Check the history to see whether it went through.";
const LOGGED_OUT = 4401;

export class Forms {
  #status;
  #answered = new WeakMap(); // by form: when its last request is answered

  constructor(status) {
    this.#status = status;
  }

  start() {
    document.addEventListener("submit", (event) => this.#submitted(event));
    document.addEventListener("click", (event) => {
      // The second click of a double click is no request, however soon the first one was answered.
      if (event.detail > 1 && event.target.closest("button")?.form?.matches("[data-send]")) event.preventDefault();
    });
  }

  #submitted(event) {
    const form = event.target;
    if (form.dataset.send === undefined) return;
    event.preventDefault();
    const button = event.submitter;
    const body = new FormData(form, button);
    button.disabled = true; // until the answer, or until a frame brings the button again
    const address = button.getAttribute("formaction") ?? form.action;
    const request = async () => {
      await this.#answered.get(form); // which brings the keys of this one
      await this.#send(form, address, body);
      button.disabled = false;
    };
    this.#answered.set(form, request());
  }

  async #send(form, address, body) {
    this.#status.sayNothing(); // what it says is about the request before
    for (const input of keysOf(form)) body.set(input.name, input.value);
    const written = textOf(form);
    try {
      const answer = await fetch(address, { method: "POST", body });
      const shown = new DOMParser().parseFromString(await answer.text(), "text/html");
      const problem = this.#sayProblem(answer, shown);
      if (!problem && textOf(form) === written) form.reset(); // otherwise the next request is being written
      renew(form, shown);
    } catch {
      this.#status.say(NO_RESPONSE);
    }
  }

  // Whether there is one: the server's reason, a failed request, or a notice for this person.
  #sayProblem(answer, shown) {
    const reason = shown.querySelector("[data-said]");
    const notice = shown.querySelector(".notice:not(#held)"); // #held is about the database
    if (reason) this.#status.say(reason.textContent.trim().replace(/\s+/g, " "));
    else if (answer.status >= 500) this.#status.say(NO_RESPONSE); // a gateway's word; the server may have done it
    else if (!answer.ok) this.#status.say(`The request was refused (${answer.status}). Reload the page.`);
    else if (new URL(answer.url).pathname !== location.pathname) this.#status.sayEnded(LOGGED_OUT);
    else if (notice) this.#status.say(notice.textContent);
    else return false;
    return true;
  }
}

const keysOf = (form) => form.querySelectorAll("input[type=hidden]");
const textOf = (form) => JSON.stringify([...new FormData(form)]);

// The next request is a new intent: it gets the keys of the same form in the response. Without a response the
// old ones stay, so that a request which arrived is not carried out again.
function renew(form, shown) {
  const fresh = [...shown.forms].find((other) => other.action === form.action);
  for (const input of keysOf(form)) {
    input.value = fresh?.elements[input.name]?.value ?? input.value;
  }
}

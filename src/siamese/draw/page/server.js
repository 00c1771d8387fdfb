// What the page asks the server for.

/** Asks for a path; an answer that is none, and a server that is gone, is an Error in words. */
export async function ask(path, body, signal) {
  let response, answer;
  try {
    const options = body === undefined ? {} : {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    response = await fetch(path, { ...options, signal });
    answer = await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error('siamese-draw does not answer; is it still running in its terminal?');
  }
  if (response.ok) return answer;
  const refused = new Error(sentence(answer.error));
  refused.status = response.status;
  throw refused;
}

/** With a capital and a full stop. */
export function sentence(text) {
  const first = text.charAt(0).toUpperCase();
  return first + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
}

/** Of requests of one kind, the last alone counts: those before it are given up. */
export class Latest {
  #controller = null;

  /** Asks; undefined if it was overtaken. */
  async ask(path, body) {
    this.giveUp();
    const own = this.#controller = new AbortController();
    try {
      const answer = await ask(path, body, own.signal);
      return own.signal.aborted ? undefined : answer;
    } catch (error) {
      if (own.signal.aborted) return undefined;
      throw error;
    }
  }

  /** Gives up what is under way. */
  giveUp() {
    this.#controller?.abort();
    this.#controller = null;
  }
}

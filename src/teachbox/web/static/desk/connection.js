/** The stream of events from the server, opened again whenever it breaks. */

const RETRY_MS = 1000;

/**
 * @param {string} url
 * @param {Record<string, (content: any) => void>} on  What to do, by the event's name.
 * @param {() => void} broken  Told each time the stream breaks or cannot be opened.
 */
export function openConnection(url, on, broken) {
  function open() {
    const source = new EventSource(url);
    source.onerror = () => {
      // The browser's own retry gives up after some errors, and waits long after others.
      source.close();
      setTimeout(open, RETRY_MS);
      broken();
    };
    for (const [name, act] of Object.entries(on)) {
      source.addEventListener(name, (event) => act(JSON.parse(event.data)));
    }
  }

  open();
}

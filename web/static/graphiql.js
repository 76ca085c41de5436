// Starts GraphiQL on /graphql with the reader's own session. What is typed lives in this tab only: the
// address carries the query and its variables, sessionStorage the rest, and nothing is a secret.
"use strict";

(() => {
  const EXAMPLE = `# Whatever the pages show, you can ask for.
query Overview {
  viewer {
    name
    accounts(first: 5) {
      nodes {
        id
        name
        balance {
          available { amount currency }
          expiring(withinDays: 30) { amount }
          callsAllowed
        }
      }
    }
  }
}
`;
  const address = new URL(window.location.href);
  const csrfToken = document.querySelector("meta[name=csrf-token]").content;

  async function fetcher(request) {
    const stop = new AbortController();
    const response = await fetch("/graphql", {
      method: "POST",
      credentials: "same-origin",
      headers: {
        Accept: "application/graphql-response+json, application/json, text/event-stream",
        "Content-Type": "application/json",
        "X-CSRF-Token": csrfToken,
      },
      body: JSON.stringify(request),
      signal: stop.signal,
    });
    if (response.status === 401) {
      const back = window.location.pathname + window.location.search;
      window.location.assign("/sign-in?next=" + encodeURIComponent(back));
    }
    const isStream = response.headers.get("Content-Type").startsWith("text/event-stream");
    return isStream ? results(response.body, stop) : response.json();
  }

  // A subscription's results as they come. To stop it closes the connection, though nothing may be on its way.
  function results(body, stop) {
    const events = read(body, stop.signal);
    return {
      [Symbol.asyncIterator]() { return this; },
      next: () => events.next(),
      async return() {
        stop.abort();
        return { done: true, value: undefined };
      },
    };
  }

  async function* read(body, signal) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        const events = (text + value).split("\n\n");
        text = events.pop();
        for (const event of events) {
          if (event.startsWith("event: next\ndata: ")) yield JSON.parse(event.slice(event.indexOf("{")));
        }
      }
    } catch (fault) {
      if (!signal.aborted) throw fault;
    }
  }

  function remember(name, text) {
    if (text) address.searchParams.set(name, text);
    else address.searchParams.delete(name);
    window.history.replaceState(null, "", address);
  }

  const storage = {
    getItem: (key) => window.sessionStorage.getItem(key),
    setItem: (key, value) => window.sessionStorage.setItem(key, value),
    removeItem: (key) => window.sessionStorage.removeItem(key),
    clear: () => window.sessionStorage.clear(),
    get length() { return window.sessionStorage.length; },
  };
  const explorer = window.GraphiQLPluginExplorer.explorerPlugin();
  const element = React.createElement;
  const home = element(GraphiQL.Logo, null, element("a", { className: "back", href: "/" }, "Communications Credits"));

  ReactDOM.createRoot(document.getElementById("graphiql")).render(
    element(
      GraphiQL,
      {
        fetcher,
        storage,
        query: address.searchParams.get("query") ?? undefined,
        variables: readable(address.searchParams.get("variables")),
        operationName: address.searchParams.get("operationName") ?? undefined,
        defaultQuery: EXAMPLE,
        isHeadersEditorEnabled: false,
        shouldPersistHeaders: false,
        plugins: [explorer],
        onEditQuery: (query) => remember("query", query),
        onEditVariables: (variables) => remember("variables", variables),
      },
      home,
    ),
  );

  function readable(variables) {
    if (variables === null) return undefined;
    try {
      return JSON.stringify(JSON.parse(variables), null, 2);
    } catch {
      return variables;
    }
  }
})();

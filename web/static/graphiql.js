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
    const response = await fetch("/graphql", {
      method: "POST",
      credentials: "same-origin",
      headers: {
        Accept: "application/graphql-response+json, application/json",
        "Content-Type": "application/json",
        "X-CSRF-Token": csrfToken,
      },
      body: JSON.stringify(request),
    });
    if (response.status === 401) {
      const back = window.location.pathname + window.location.search;
      window.location.assign("/sign-in?next=" + encodeURIComponent(back));
    }
    return response.json();
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

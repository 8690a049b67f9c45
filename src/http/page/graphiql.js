// Starts GraphiQL over this gateway, with the prepared queries as tabs.
"use strict";

// styles that components add at run time carry this answer's nonce
window.__webpack_nonce__ = document.currentScript.nonce;

(() => {
  const tabs = JSON.parse(document.getElementById("tabs").textContent);
  const h = React.createElement;
  const logo = h(
    "a",
    { className: "cyclorama-logo", href: "/schema.graphql", title: "The schema" },
    h("img", { src: "/page/icon.svg", alt: "" }),
    "Cyclorama",
  );
  const page = h(
    GraphiQL,
    {
      // the format of parts that this GraphiQL puts together
      fetcher: GraphiQL.createFetcher({ url: "/graphql", headers: { accept: "multipart/mixed;deferSpec=20220824, application/json" } }),
      plugins: [GraphiQLPluginExplorer.explorerPlugin()],
      defaultTabs: tabs.length > 0 ? tabs : undefined,
      defaultEditorToolsVisibility: "variables",
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false,
    },
    h(GraphiQL.Logo, null, logo),
  );
  ReactDOM.createRoot(document.getElementById("graphiql")).render(page);
})();

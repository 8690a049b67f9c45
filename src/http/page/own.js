// A small query page over this gateway: prepared queries, an operation, its variables, the answer.
"use strict";

(() => {
  const element = (id) => document.getElementById(id);
  const tabs = JSON.parse(element("tabs").textContent);
  const [query, variables, answer, status] = ["query", "variables", "answer", "status"].map(element);

  function choose(tab, chosen) {
    query.value = tab.query;
    variables.value = tab.variables;
    for (const button of element("prepared").children) button.setAttribute("aria-pressed", button === chosen);
  }

  async function run() {
    status.textContent = "…";
    const start = performance.now();
    try {
      const body = { query: query.value };
      if (variables.value.trim() !== "") body.variables = JSON.parse(variables.value);
      const response = await fetch("/graphql", {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify(body),
      });
      const text = await response.text();
      status.textContent = `${response.status}, ${Math.round(performance.now() - start)} ms`;
      try {
        answer.textContent = JSON.stringify(JSON.parse(text), null, 2);
      } catch {
        answer.textContent = text;
      }
    } catch (error) {
      status.textContent = "";
      answer.textContent = String(error);
    }
  }

  tabs.forEach((tab, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = /(?:query|mutation)\s+(\w+)/.exec(tab.query)?.[1] ?? `Query ${index + 1}`;
    button.addEventListener("click", () => choose(tab, button));
    element("prepared").append(button);
    if (index === 0) choose(tab, button);
  });
  if (tabs.length === 0) query.value = "{\n  __typename\n}\n";
  element("run").addEventListener("click", run);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
  });
})();

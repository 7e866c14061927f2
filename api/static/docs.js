"use strict";
// Renders /openapi.json as a plain page. No library, no request to another host.
function make(tag, text, parent, className) {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  if (className) node.className = className;
  if (parent) parent.append(node);
  return node;
}
function resolved(schema, all, depth) {
  if (!schema || depth > 4) return schema;
  if (schema.$ref) return resolved(all[schema.$ref.split("/").pop()], all, depth + 1);
  const copy = Array.isArray(schema) ? [] : {};
  for (const [key, value] of Object.entries(schema)) {
    copy[key] = value && typeof value === "object" ? resolved(value, all, depth + 1) : value;
  }
  return copy;
}
function content(parent, title, body, all) {
  for (const [type, media] of Object.entries((body && body.content) || {})) {
    make("p", title + " · " + type, parent);
    make("pre", JSON.stringify(resolved(media.schema, all, 0), null, 1), parent);
  }
}
fetch("/openapi.json").then((answer) => answer.json()).then((doc) => {
  const all = doc.components.schemas, place = document.getElementById("routes");
  document.getElementById("about").textContent = doc.info.description;
  place.textContent = "";
  for (const [path, methods] of Object.entries(doc.paths)) {
    for (const [method, route] of Object.entries(methods)) {
      const box = make("details", "", place), head = make("summary", "", box);
      make("span", method.toUpperCase(), head, "method");
      make("code", path, head);
      make("span", "  " + (route.description || ""), head);
      content(box, "请求", route.requestBody, all);
      const table = make("table", "", box);
      for (const [status, said] of Object.entries(route.responses)) {
        const row = make("tr", "", table);
        make("td", status, row);
        make("td", said.description, row);
      }
      content(box, "应答", route.responses["200"] || route.responses["202"], all);
    }
  }
});

// The page that shows the OpenAPI document to people: HTML without a script, made on the server, loading nothing.

import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import { templateOf } from './openapi.ts';
import type { Route } from './route.ts';

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
details { border: 1px solid #8888; border-radius: .4rem; margin: .4rem 0; padding: .4rem .8rem }
summary { cursor: pointer } code, pre { font: 14px/1.5 ui-monospace, monospace } pre { overflow: auto }
.method { display: inline-block; min-width: 4.5rem; font-weight: bold } .scope { float: right; opacity: .75 }
`;

/** What browsers may do with the page: show it. */
export const DOCS_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Makes the page. */
export async function makeDocsPage(routes: readonly Route[], document: object): Promise<string> {
  const tags = [...new Set(routes.map(({ tag }) => tag))];
  const sections = tags.map(
    (tag) => html`<h2>${tag}</h2>${routes.filter((one) => one.tag === tag).map((one) => operation(one, document))}`,
  );
  const page = await html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>turnd control API</title><style>${raw(STYLE)}</style></head>
<body><h1>turnd control API</h1>
<p>For programs: <a href="/v1/openapi.json">openapi.json</a> (OpenAPI 3.1). Requests over TCP carry
<code>Authorization: Bearer</code> and a token of <code>turnctl token add</code>.</p>
${sections}</body></html>`;
  return page.toString();
}

function operation(route: Route, document: object) {
  const path = templateOf(route.path);
  const { paths } = document as { readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>> };
  const facts = paths[path]?.[route.method];
  const schemas = schemasOf(facts, document);
  return html`<details id="${route.id}"><summary><span class="method">${route.method.toUpperCase()}</span>
<code>${path}</code> <span class="scope">${route.scope ?? 'everyone'}</span><br>${route.summary}</summary>
<pre>${JSON.stringify(facts, null, 2)}</pre>
${schemas.map(([name, schema]) => html`<h4>${name}</h4><pre>${JSON.stringify(schema, null, 2)}</pre>`)}</details>
`;
}

function schemasOf(facts: object | undefined, document: object): (readonly [string, unknown])[] {
  const { components } = document as { readonly components: { readonly schemas: Readonly<Record<string, unknown>> } };
  const names = [...JSON.stringify(facts ?? {}).matchAll(/#\/components\/schemas\/(\w+)/g)].map(
    ([, name]) => name ?? '',
  );
  return [...new Set(names)].map((name) => [name, components.schemas[name]]);
}

import { createHash } from 'node:crypto'
import type { Answer } from '../endpoint.ts'

/** Text that is HTML and is not escaped. */
export interface Markup {
  readonly html: string
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character)

/** A template of HTML. Texts are escaped, markup is not, and undefined is empty. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | Markup | readonly Markup[] | undefined)[]
): Markup {
  const text = (value: (typeof values)[number]): string => {
    if (value === undefined) return ''
    if (typeof value === 'string') return escaped(value)
    return 'html' in value ? value.html : value.map((item) => item.html).join('')
  }
  return { html: parts.map((part, index) => part + text(values[index])).join('') }
}

const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #ffffff; --ground: #f3f4f6; --line: #d0d7de; --accent: #0b57d0; --on: #ffffff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9ea7b3; --paper: #161b22; --ground: #0d1117; --line: #3d444d; --accent: #8ab4f8; --on: #0d1117 }
}
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { box-sizing: border-box; max-width: 28rem; margin: 8vh auto; padding: 2rem; background: var(--paper); border: 1px solid var(--line); border-radius: 12px }
h1 { margin: 0 0 .5rem; font-size: 1.35rem; line-height: 1.3 }
.note { margin: 0 0 1rem; color: var(--soft); font-size: .875rem }
fieldset { margin: 1.25rem 0; padding: 0; border: 0 }
legend, .legend { margin: 0; padding: 0; font-weight: 600 }
label.choice { display: flex; gap: .75rem; align-items: center; margin-top: .5rem; padding: .625rem .75rem; border: 1px solid var(--line); border-radius: 8px; cursor: pointer }
label.choice:has(:checked) { border-color: var(--accent) }
label.choice span span { display: block; color: var(--soft); font-size: .875rem }
ul { margin: .25rem 0 1.25rem; padding-left: 1.25rem }
code, input[type=text] { font-family: ui-monospace, monospace }
input[type=text] { box-sizing: border-box; width: 100%; margin: .5rem 0 1.25rem; padding: .625rem; border: 1px solid var(--soft); border-radius: 8px; background: var(--paper); color: var(--ink); font-size: 1.25rem; letter-spacing: .1em; text-transform: uppercase }
.actions { display: flex; gap: .75rem }
button { flex: 1; padding: .625rem 1rem; border: 1px solid var(--soft); border-radius: 8px; background: transparent; color: var(--ink); font: inherit; font-weight: 600; cursor: pointer }
button.primary { border-color: var(--accent); background: var(--accent); color: var(--on) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
[role=alert] { color: #b3261e; font-weight: 600 }
@media (prefers-color-scheme: dark) { [role=alert] { color: #f2b8b5 } }
`

const styleSource = `'sha256-${createHash('sha256').update(style).digest('base64')}'`

interface Page {
  readonly status?: number
  readonly title: string
  readonly main: Markup
  /** CSP sources to which its form may lead besides the sandbox. Default none. */
  readonly formTargets?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * An HTML page: one document without scripts or subresources, which no page may frame and no cache may store.
 */
export function page({ status = 200, title, main, formTargets = [], headers = {} }: Page): Answer {
  const policy = [
    "default-src 'none'",
    `style-src ${styleSource}`,
    `form-action ${["'self'", ...formTargets].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      ...headers,
    },
    text: html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${{ html: style }}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${main}
</main>
</body>
</html>
`.html,
  }
}

/** A page with an error message. */
export function errorPage(status: number, title: string, message: string): Answer {
  return page({ status, title, main: html`<p role="alert">${message}</p>` })
}

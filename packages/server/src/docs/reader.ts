import { escapeHtml } from '@guestpass/runtime'
import { page } from './page.ts'

/** The parts of an OpenAPI document that the reader shows. */
export interface ReadableDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly paths?: Readonly<Record<string, unknown>>
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> }
}

interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: unknown }>> }
  readonly responses?: Readonly<Record<string, { readonly description?: string; readonly content?: Content }>>
}
type Content = Readonly<Record<string, { readonly schema?: unknown }>>

interface Parameter {
  readonly name?: string
  readonly in?: string
  readonly required?: boolean
  readonly description?: string
  readonly schema?: unknown
}

/** Writes an OpenAPI document as a page that needs no network and no script. */
export function readerPage({ info, paths = {}, components = {} }: ReadableDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods as Readonly<Record<string, Operation>>).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      operation,
    })),
  )
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags ?? ['other']))]
  const groups = tags.map((tag) => {
    const ofTag = operations.filter(({ operation }) => (operation.tags ?? ['other']).includes(tag))
    return `<h2>${escapeHtml(tag)}</h2>${ofTag.map(operationHtml).join('')}`
  })
  const schemas = Object.entries(components.schemas ?? {}).map(
    ([name, schema]) =>
      `<details id="schema-${escapeHtml(name)}"><summary>${code(name)}</summary>${json(schema)}</details>`,
  )
  const intro = `<p>Version ${escapeHtml(info.version)}. ${escapeHtml(info.description ?? '')}
    The document itself is at <a href="openapi.json">openapi.json</a>.</p>`
  return page.html(info.title, `${intro}${groups.join('')}<h2>Schemas</h2>${schemas.join('')}`)
}

interface Listed {
  readonly path: string
  readonly method: string
  readonly operation: Operation
}

function operationHtml({ path, method, operation }: Listed): string {
  const { summary = '', description, parameters = [], requestBody, responses = {} } = operation
  const bodies = Object.values(requestBody?.content ?? {}).map(({ schema }) => `<h4>Body</h4>${json(schema)}`)
  return `<details><summary>${code(`${method} ${path}`)} ${escapeHtml(summary)}</summary>
    ${description === undefined ? '' : `<p>${escapeHtml(description)}</p>`}
    ${parameters.length === 0 ? '' : parameterTable(parameters)}${bodies.join('')}
    <h4>Answers</h4>${Object.entries(responses).map(answerHtml).join('')}</details>`
}

function answerHtml([status, { description = '', content = {} }]: readonly [
  string,
  { readonly description?: string; readonly content?: Content },
]): string {
  const bodies = Object.entries(content).map(([type, { schema }]) => `<p>${code(type)}</p>${json(schema)}`)
  return `<p>${code(status)} ${escapeHtml(description)}</p>${bodies.join('')}`
}

const parameterTable = (parameters: readonly Parameter[]): string =>
  `<table><tr><th>parameter</th><th>in</th><th>what</th></tr>${parameters
    .map(
      ({ name = '', in: place = '', required = false, description = '' }) =>
        `<tr><td>${code(name)}${required ? ' (required)' : ''}</td><td>${escapeHtml(place)}</td><td>${escapeHtml(description)}</td></tr>`,
    )
    .join('')}</table>`

const code = (text: string): string => `<code>${escapeHtml(text)}</code>`

/** References of a schema become links to the schemas at the end of the page. */
const json = (schema: unknown): string =>
  `<pre>${escapeHtml(JSON.stringify(schema ?? {}, undefined, 2)).replaceAll(
    /#\/components\/schemas\/([\w-]+)/g,
    (text, name: string) => `<a href="#schema-${name}">${text}</a>`,
  )}</pre>`

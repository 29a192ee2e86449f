import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Attributes,
  type Context,
  context,
  type ContextManager,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  trace,
  type Tracer,
} from '@opentelemetry/api'
import { afterEach, expect, it } from 'vitest'
import { serviceForTests } from './service-for-tests.ts'

interface Ended {
  readonly id: string
  readonly name: string
  readonly kind: SpanKind | undefined
  readonly parent: string | undefined
  readonly attributes: Attributes
}

/** What an SDK would add: a tracer that remembers its spans, and contexts that follow asynchronous calls. */
function recordSpans(): readonly Ended[] {
  const ended: Ended[] = []
  const contexts = new AsyncLocalStorage<Context>()
  const active = (): Context => contexts.getStore() ?? ROOT_CONTEXT
  const manager = {
    active,
    with: (of: Context, work: (...args: unknown[]) => unknown, self: unknown, ...args: unknown[]) =>
      contexts.run(of, () => work.apply(self, args)),
    bind: (_of: Context, target: unknown) => target,
    enable: () => manager,
    disable: () => manager,
  } as unknown as ContextManager
  let count = 0
  const startSpan = (name: string, { kind, attributes: first = {} }: SpanOptions = {}, of = active()): Span => {
    count += 1
    const id = String(count)
    const parent = trace.getSpan(of)?.spanContext().spanId
    const attributes: Attributes = { ...first }
    let current = name
    const span = {
      spanContext: () => ({ spanId: id, traceId: 'trace', traceFlags: 1 }),
      setAttribute: (key: string, value: string) => Object.assign(attributes, { [key]: value }),
      setAttributes: (more: Attributes) => Object.assign(attributes, more),
      setStatus: () => span,
      updateName: (next: string) => void (current = next),
      end: () => ended.push({ id, name: current, kind, parent, attributes }),
    }
    return span as unknown as Span
  }
  const tracer = {
    startSpan,
    startActiveSpan: (name: string, options: SpanOptions, work: (span: Span) => unknown) => {
      const span = startSpan(name, options)
      return contexts.run(trace.setSpan(active(), span), () => work(span))
    },
  } as unknown as Tracer
  context.setGlobalContextManager(manager)
  trace.setGlobalTracerProvider({ getTracer: () => tracer })
  return ended
}

afterEach(() => {
  trace.disable()
  context.disable()
})

it('a request has a span, with a span for each call of the upstream below it', async () => {
  const spans = recordSpans()
  const on = await serviceForTests()
  const body = { scopes: ['webmessaging:guest:send'] }
  await on.call('POST', '/v1/guests', { body, headers: { 'x-request-id': 'traced-1' } })
  await on.close()
  const request = spans.find(({ name }) => name === 'POST /v1/guests')
  expect(request).toMatchObject({
    kind: SpanKind.SERVER,
    attributes: { 'http.route': '/v1/guests', 'http.response.status_code': 201, 'guestpass.request_id': 'traced-1' },
  })
  const calls = spans.filter(({ kind, parent }) => kind === SpanKind.CLIENT && parent === request?.id)
  expect(calls.map(({ attributes }) => attributes['http.response.status_code'])).toContain(200)
  expect(JSON.stringify(spans)).not.toMatch(/eyJ|authorization|generate-token\?/i)
})

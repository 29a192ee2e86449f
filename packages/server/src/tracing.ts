import type { Http } from '@guestpass/core/runtime-kit'
import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { IncomingHttpHeaders } from 'node:http'

/*
 * Spans of OpenTelemetry, through its API alone: without an SDK in the process they cost next to nothing and go
 * nowhere. No span has an address of a person, a token or a query.
 */

const tracer = trace.getTracer('guestpass')

/** The span of a request. */
export interface RequestSpan {
  /** Runs work within the span, so that spans of upstream calls are below it. */
  run<T>(work: () => T): T
  /** Ends the span. `route`: the pattern of the route. */
  end(route: string, status: number): void
}

/** Begins the span of a request, below the one that its headers name (W3C Trace Context). */
export function beginRequestSpan(method: string, headers: IncomingHttpHeaders, requestId: string): RequestSpan {
  const parent = propagation.extract(context.active(), headers)
  const attributes = { 'http.request.method': method, 'guestpass.request_id': requestId }
  const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent)
  const within = trace.setSpan(parent, span)
  return {
    run: (work) => context.with(within, work),
    end(route, status) {
      span.updateName(`${method} ${route}`)
      span.setAttributes({ 'http.route': route, 'http.response.status_code': status })
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    },
  }
}

/** Wraps the HTTP of a connection: each request to the upstream has a span. */
export const tracedHttp =
  (http: Http): Http =>
  (request, signal) => {
    const { host } = new URL(request.url)
    const attributes = { 'http.request.method': request.method, 'server.address': host }
    return tracer.startActiveSpan(`${request.method} ${host}`, { kind: SpanKind.CLIENT, attributes }, (span) =>
      endedBy(span, http(request, signal)),
    )
  }

async function endedBy(span: Span, answer: ReturnType<Http>): ReturnType<Http> {
  try {
    const answered = await answer
    span.setAttribute('http.response.status_code', answered.status)
    if (answered.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
    return answered
  } catch (thrown) {
    span.setStatus({ code: SpanStatusCode.ERROR })
    throw thrown
  } finally {
    span.end()
  }
}

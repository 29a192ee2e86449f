import type { ArgumentsHost } from '@nestjs/common'
import { type ProblemResponse, REPLACED_HEADERS } from './problem-response.ts'
import type { NodeRequest } from './bearer-token.ts'
import type { WithGuest } from './guest.ts'

/** The members that requests of Express and of Fastify have in common. */
export interface HttpRequest extends NodeRequest, WithGuest {
  readonly headers: NodeRequest['headers'] & Readonly<Record<string, string | readonly string[] | undefined>>
  readonly params: Readonly<Record<string, string | undefined>>
  readonly raw?: NodeRequest
}

/** The response of Node that a framework wraps. */
interface RawResponse {
  readonly headersSent: boolean
  destroy(): unknown
}

/** The members that responses of Express and of Fastify have in common. */
interface HttpResponse extends RawResponse {
  readonly raw?: RawResponse
  status(status: number): HttpResponse
  header(name: string, value: string): HttpResponse
  removeHeader(name: string): unknown
  send(body: string): unknown
}

/** Sets the headers of the answer on the response of a request. */
export function prepareResponse(host: ArgumentsHost, headers: ProblemResponse['headers']): HttpResponse {
  const response = host.switchToHttp().getResponse<HttpResponse>()
  for (const name of REPLACED_HEADERS) response.removeHeader(name)
  for (const [name, value] of Object.entries(headers)) response.header(name, value)
  return response
}

/** Answers a request. An answer that has begun is cut off, so that it does not look complete. */
export function sendProblem(host: ArgumentsHost, { status, headers, body }: ProblemResponse): void {
  const response = host.switchToHttp().getResponse<HttpResponse>()
  const raw = response.raw ?? response
  if (raw.headersSent) raw.destroy()
  else prepareResponse(host, headers).status(status).send(body)
}

import type { ArgumentsHost } from '@nestjs/common'
import { type Answer, OF_OTHER_BODY } from './answer.ts'
import type { NodeRequest } from './bearer-token.ts'
import type { WithGuest } from './guest.ts'

/** What the requests of Express and of Fastify have in common. */
export interface HttpRequest extends NodeRequest, WithGuest {
  readonly headers: NodeRequest['headers'] & Readonly<Record<string, string | readonly string[] | undefined>>
  readonly params: Readonly<Record<string, string | undefined>>
  readonly raw?: NodeRequest
}

/** What the responses of Express and of Fastify have in common. */
interface HttpResponse {
  status(status: number): HttpResponse
  header(name: string, value: string): HttpResponse
  removeHeader(name: string): unknown
  send(body: string): unknown
}

/** The response of a request, with the headers of an answer. */
export function prepared(host: ArgumentsHost, { headers }: Answer): HttpResponse {
  const response = host.switchToHttp().getResponse<HttpResponse>()
  for (const name of OF_OTHER_BODY) response.removeHeader(name)
  for (const [name, value] of Object.entries(headers)) response.header(name, value)
  return response
}

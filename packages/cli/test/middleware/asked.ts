import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'

/** Sends a request with these headers as they are, several of a name too, and reads the answer. */
export async function asked(
  url: string,
  headers: readonly (readonly [name: string, value: string])[] = [],
  method = 'GET',
) {
  const sent = request(url, { method, agent: false, headers: ['host', new URL(url).host, ...headers.flat()] }).end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  const body = await text(answer)
  const [type = ''] = (answer.headers['content-type'] ?? '').split(';')
  return {
    status: answer.statusCode,
    headers: answer.headers,
    type,
    body: type.includes('json') ? (JSON.parse(body) as unknown) : body,
  }
}

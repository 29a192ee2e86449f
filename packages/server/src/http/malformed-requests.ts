import type { Socket } from 'node:net'
import { GuestpassError } from '@guestpass/core'

/** Statuses of requests that HTTP cannot read, by the codes of Node. The others are 400. */
const statuses: Readonly<Record<string, readonly [status: number, phrase: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'has headers of more than 16 KiB'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'did not come in time'],
}

/** Answers a request that is no HTTP with a problem document, and closes its connection. */
export function answerMalformed({ code = '' }: { readonly code?: string }, socket: Socket): void {
  if (socket.destroyed) return
  // The client has gone, or an answer is under way.
  if (code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) return void socket.destroy()
  const [status, phrase, said] = statuses[code] ?? [400, 'Bad Request', 'cannot be read as HTTP']
  const message = `The request ${said}.`
  const body = JSON.stringify({ ...new GuestpassError('invalid_input', message).toProblem(), status })
  socket.end(
    `HTTP/1.1 ${status} ${phrase}\r\ncontent-type: application/problem+json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

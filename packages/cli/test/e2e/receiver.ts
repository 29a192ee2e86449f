import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebhookMessage, receiverMemory, Secret, webhookReceiver } from '@guestpass/core'

/** A secret that signs webhooks, for tests. */
export const WEBHOOK_SECRET = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='

export interface Receiver {
  readonly url: string
  /** What came with a right signature, by path, in order. */
  of(path: string): readonly WebhookMessage[]
  /** Requests of any kind. */
  requests(): number
  /** From now on. Default: takes everything. */
  answers(how: { readonly status?: number; readonly hangs?: boolean; readonly afterMs?: number }): void
  close(): Promise<void>
}

/** A site's own backend on loopback, which checks what it gets with the receiver kit. */
export async function receiver(secret = WEBHOOK_SECRET): Promise<Receiver> {
  const { verify } = webhookReceiver({ secrets: [new Secret(secret)], memory: receiverMemory() })
  const got: { readonly path: string; readonly message: WebhookMessage }[] = []
  let requests = 0
  let how: Parameters<Receiver['answers']>[0] = {}
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      requests += 1
      if (how.hangs) return
      verify(request.headers, Buffer.concat(parts)).then(
        (message) => {
          got.push({ path: request.url ?? '', message })
          setTimeout(() => response.writeHead(how.status ?? 204).end(), how.afterMs ?? 0)
        },
        () => response.writeHead(400).end(),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    of: (path) => got.filter((one) => one.path === path).map(({ message }) => message),
    requests: () => requests,
    answers: (next) => void (how = next),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

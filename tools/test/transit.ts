import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a vault does just now instead of its work. */
type Condition = 'well' | 'sealed' | 'slow'

export interface Transit {
  readonly address: string
  readonly token: string
  /** What the programs of examples/ read. */
  readonly env: Readonly<Record<string, string>>
  condition: Condition
  close(): Promise<void>
}

interface Asked {
  readonly plaintext?: string
  readonly ciphertext?: string
  readonly associated_data?: string
}

type Said = readonly [status: number, document: unknown]

const refused = (status: number, ...errors: readonly string[]): Said => [status, { errors }]

async function bodyOf(request: IncomingMessage): Promise<Asked> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return JSON.parse(Buffer.concat(parts).toString('utf8')) as Asked
}

function encrypted(key: Buffer, { plaintext = '', associated_data: additional = '' }: Asked): Said {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(additional, 'base64'))
  const body = Buffer.concat([cipher.update(plaintext, 'base64'), cipher.final()])
  const ciphertext = `vault:v1:${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')}`
  return [200, { data: { ciphertext, key_version: 1 } }]
}

function decrypted(key: Buffer, { ciphertext = '', associated_data: additional = '' }: Asked): Said {
  const bytes = Buffer.from(ciphertext.replace('vault:v1:', ''), 'base64')
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
    .setAAD(Buffer.from(additional, 'base64'))
    .setAuthTag(bytes.subarray(12, 28))
  try {
    const plain = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
    return [200, { data: { plaintext: plain.toString('base64') } }]
  } catch {
    return refused(400, 'cipher: message authentication failed')
  }
}

/** A stand-in for the transit engine of a vault, with these keys: as much of its API as a key ring uses. */
export async function transit(keys: readonly string[]): Promise<Transit> {
  const material = new Map(keys.map((name) => [name, randomBytes(32)]))
  const token = `hvs.${randomBytes(12).toString('hex')}`
  const state = { condition: 'well' as Condition }

  async function answered(request: IncomingMessage): Promise<Said> {
    if (state.condition === 'sealed') return refused(503, 'Vault is sealed')
    const [, verb, name = ''] = /^\/v1\/transit\/(encrypt|decrypt)\/([^/]+)$/.exec(request.url ?? '') ?? []
    if (request.method !== 'POST' || !verb) return refused(404, `no handler for route "${request.url}"`)
    if (request.headers['x-vault-token'] !== token) return refused(403, 'permission denied')
    const key = material.get(decodeURIComponent(name))
    if (!key) return refused(400, 'encryption key not found')
    const asked = await bodyOf(request)
    return verb === 'encrypt' ? encrypted(key, asked) : decrypted(key, asked)
  }

  const server = createServer((request, response) => {
    if (state.condition === 'slow') return
    void answered(request).then(([status, document]) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document)),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(state, {
    address,
    token,
    env: { VAULT_ADDR: address, VAULT_TOKEN: token, TRANSIT_KEY: keys[0] ?? '' },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

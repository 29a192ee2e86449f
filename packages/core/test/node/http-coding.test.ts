import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { guardedHttp } from '../../src/node/guarded-http.ts'
import { nodeHttp } from '../../src/node/http.ts'
import { MAX_ANSWER_BYTES } from '../../src/ports/http.ts'
import { asking } from './http-cases.ts'
import { closeOpened, fault, opened, serving } from './http-servers.ts'

afterEach(closeOpened)

const client = () => {
  const { http, close } = nodeHttp({ proxy: false })
  opened.push(close)
  return asking(http)
}

const coded = (coding: string, bytes: Uint8Array, status = 200): Promise<string> =>
  serving((_request, response) => response.writeHead(status, { 'content-encoding': coding }).end(bytes))

const plain = Buffer.from('{"token":"é"}')
const unknown = Buffer.from('\u0028\u00B5/\u00FD not JSON', 'latin1')

describe('an answer in a content coding', () => {
  it.each<[string, Uint8Array]>([
    ['gzip', gzipSync(plain)],
    ['GZIP', gzipSync(plain)],
    ['x-gzip', gzipSync(plain)],
    ['br', brotliCompressSync(plain)],
    ['deflate', deflateSync(plain)],
    ['deflate', deflateRawSync(plain)],
    ['deflate, gzip', gzipSync(deflateSync(plain))],
    ['identity', plain],
    ['identity, gzip', gzipSync(plain)],
  ])('%s is unpacked', async (coding, bytes) => {
    const answer = await client()(await coded(coding, bytes))
    expect([new TextDecoder().decode(answer.bytes), 'content-encoding' in answer.headers]).toEqual([
      plain.toString(),
      false,
    ])
  })

  it('without a body has none', async () => {
    expect((await client()(await coded('gzip', Buffer.alloc(0), 401))).bytes).toHaveLength(0)
  })

  it.each(['zstd', 'gzip, zstd', 'toString', 'gzip, gzip, gzip'])('%s stays as it is, and is named', async (coding) => {
    const answer = await client()(await coded(coding, unknown, 403))
    expect([answer.status, answer.headers['content-encoding'], Buffer.from(answer.bytes)]).toEqual([
      403,
      coding,
      unknown,
    ])
  })

  it.each(['gzip', 'br', 'deflate', 'gzip, gzip', 'zstd', 'utf-8', 'none', 'gzip, gzip, gzip'])(
    '%s that it is not in costs no JSON',
    async (coding) => {
      for (const bytes of [plain, Buffer.from('\uFEFF\n [1]')]) {
        const answer = await client()(await coded(coding, bytes))
        expect([Buffer.from(answer.bytes), 'content-encoding' in answer.headers]).toEqual([bytes, false])
      }
    },
  )

  it('that is named once too often is unpacked', async () => {
    const answer = await client()(await coded('gzip, gzip', gzipSync(plain)))
    expect(new TextDecoder().decode(answer.bytes)).toBe(plain.toString())
  })

  it.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
  ])('%s is read up to 1 MiB of what it holds, not of what it is', async (coding, pack) => {
    const ask = client()
    expect((await ask(await coded(coding, pack(Buffer.alloc(MAX_ANSWER_BYTES))))).bytes).toHaveLength(MAX_ANSWER_BYTES)
    const bomb = await coded(coding, pack(Buffer.alloc(200 * MAX_ANSWER_BYTES)))
    expect((await fault(ask(bomb))).kind).toBe('oversized')
  })

  it.each<[string, Uint8Array]>([
    ['is cut short', gzipSync(plain).subarray(0, 20)],
    ['is not what it says', unknown],
  ])('that %s was lost', async (_, bytes) => {
    expect((await fault(client()(await coded('gzip', bytes)))).kind).toBe('lost')
  })
})

describe('every request', () => {
  const guarded = (url: string) => {
    const { http, close } = guardedHttp({ allowed: [url] })
    opened.push(close)
    return asking(http)
  }

  it.each<[string, (url: string) => ReturnType<typeof asking>]>([
    ['to upstream', client],
    ['to a webhook', guarded],
  ])('%s says who sends it and asks for no coding', async (_, adapter) => {
    const seen: unknown[] = []
    const url = await serving(({ headers }, response) => {
      seen.push([headers['user-agent'], headers['accept-encoding']])
      response.end()
    })
    await adapter(url)(url)
    expect(seen).toEqual([[`guestpass/${manifest.version}`, 'identity']])
  })
})

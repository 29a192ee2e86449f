import type { Fetch } from '../../ports/system.ts'

/** What a `fetch` is called with. */
type FetchCall = readonly [input: Parameters<Fetch>[0], init: RequestInit]

/** A request in words that every `fetch` takes: an address, and an init without objects of one implementation. */
interface PlainRequest {
  readonly url: URL
  readonly method: string
  readonly signal: AbortSignal | undefined
  /** The call of the next of at most two sends, with this authorization. */
  next(authorization: string): FetchCall
  /** Drops what is kept of a stream for sends that do not come. */
  end(): void
}

/** Members of a Request that an init has too; its headers, body and signal are taken apart from them. */
const MEMBERS = [
  'method',
  'mode',
  'credentials',
  'cache',
  'redirect',
  'referrer',
  'referrerPolicy',
  'integrity',
  'keepalive',
] as const

/** What `fetch` was called with, whatever implementation its objects are of. */
export async function plainRequest(
  input: Parameters<Fetch>[0],
  init: RequestInit = {},
  isForeign: boolean,
): Promise<PlainRequest> {
  const from = isRequest(input) ? input : undefined
  const members = Object.fromEntries(
    MEMBERS.flatMap((name) => (from?.[name] === undefined ? [] : [[name, from[name]]])),
  )
  const all: RequestInit = { ...members, ...init }
  // Its own Request keeps the body whole: as a stream it would lose its length, and redirects that keep the method would fail.
  const whole = !isForeign && from instanceof Request && init.body === undefined ? from : undefined
  const body = whole
    ? { value: undefined }
    : await plainBody(init.body === undefined ? from?.body : init.body, isForeign)
  const headers = new Headers(init.headers ?? from?.headers)
  if (body.type !== undefined && !headers.has('content-type')) headers.set('content-type', body.type)
  const signal = init.signal === undefined ? from?.signal : (init.signal ?? undefined)
  const bodies = twice(body.value)
  const copies = whole ? [whole.clone(), whole] : []
  const url = new URL(from?.url ?? absolute(`${input as string | URL}`))
  return {
    url,
    method: (all.method ?? 'GET').toUpperCase(),
    signal,
    next(authorization) {
      headers.set('authorization', authorization)
      const copy = copies.shift()
      if (copy) return [copy, { ...init, headers: Object.fromEntries(headers) }]
      const next = bodies.shift()
      const own = {
        ...all,
        ...(signal ? { signal } : {}),
        headers: Object.fromEntries(headers),
        ...(next === undefined || next === null ? {} : { body: next }),
        // Streams are sent while they are read (Fetch, 5.4).
        ...(isStream(next) ? { duplex: 'half' } : {}),
      }
      return [url.href, own]
    },
    end() {
      for (const { body: rest } of copies.splice(0)) rest?.cancel().catch(() => {})
      for (const one of bodies.splice(0)) if (isStream(one)) one.cancel().catch(() => {})
    },
  }
}

/** By its shape: it may be of another implementation. */
const isRequest = (input: unknown): input is Request =>
  typeof input === 'object' && input !== null && !(input instanceof URL) && 'url' in input && 'headers' in input

/** In a page an address may be relative. */
export const absolute = (address: string): string => (URL.canParse(address) ? address : new Request(address).url)

type Body = RequestInit['body']
const isStream = (body: unknown): body is ReadableStream<Uint8Array<ArrayBuffer>> => body instanceof ReadableStream

/** A body that any `fetch` takes. Forms of the platform are none where `fetch` is another: they become what they are on the wire. */
async function plainBody(body: Body, isForeign: boolean): Promise<{ readonly value: Body; readonly type?: string }> {
  if (isForeign && body instanceof FormData) {
    const form = new Response(body)
    const type = form.headers.get('content-type')
    return { value: await form.arrayBuffer(), ...(type === null ? {} : { type }) }
  }
  return { value: isIterable(body) ? streamOf(body) : body }
}

/** What Node takes besides: chunks that come one by one. */
const isIterable = (body: unknown): body is AsyncIterable<Uint8Array<ArrayBuffer>> =>
  typeof body === 'object' && body !== null && !isStream(body) && Symbol.asyncIterator in body

function streamOf(chunks: AsyncIterable<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const iterator = chunks[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done) controller.close()
      else controller.enqueue(typeof value === 'string' ? new TextEncoder().encode(value) : value)
    },
    async cancel(reason) {
      await iterator.return?.(reason)
    },
  })
}

/** A stream can be read once: it is split, and what one reader has read waits for the other in memory. */
const twice = (body: Body): Body[] => (isStream(body) ? body.tee() : [body, body])

import { setTimeout as sleep } from 'node:timers/promises'
import { serviceClient } from '@guestpass/client'

const CONNECTION = { params: { path: { name: 'default' } } }

/** Signs the user in by a one-time link of an instance, as a browser does. The upstream consents by itself. */
export async function signIn(url: string, operatorKey: string): Promise<void> {
  const { data } = await serviceClient({ url, apiKey: operatorKey }).POST('/v1/connections/{name}/login', CONNECTION)
  const opened = await fetch(data?.url ?? '', { redirect: 'manual' })
  const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? ''
  const consented = await fetch(opened.headers.get('location') ?? '', { redirect: 'manual' })
  const done = await fetch(consented.headers.get('location') ?? '', { headers: { cookie } })
  if (!done.ok) throw new Error(`The sign-in failed: ${await done.text()}`)
}

/** Time between two looks at the sign-in, in milliseconds. */
const LOOK_MS = 500
const PATIENCE_MS = 3_000

/** Signs the user in again when the sign-in has ended, until the signal aborts. Resolves to how often it did. */
export async function keepSignedIn(urls: readonly string[], operatorKey: string, signal: AbortSignal): Promise<number> {
  let times = 0
  for (let at = 0; !signal.aborted; at = (at + 1) % urls.length) {
    const url = urls[at] ?? ''
    const client = serviceClient({ url, apiKey: operatorKey })
    try {
      const { data } = await client.GET('/v1/connections', { signal: AbortSignal.timeout(PATIENCE_MS) })
      if (data?.data[0]?.status === 'needs_reauth') {
        await signIn(url, operatorKey)
        times += 1
      }
    } catch {
      // This instance is down. The next look is at another one.
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
  }
  return times
}

/**
 * One process of several that share a sign-in: it asks for the access token over and over, and each is renewed soon after it came. Every
 * answer or error is a line of JSON on standard output. SIGTERM ends it after the call of the moment.
 * Arguments: the issuer, and the path of the store.
 */
import { writeSync } from 'node:fs'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { nodePorts } from '@guestpass/core/node'
import { connected, userClient } from './product.ts'
import { openedStore } from './shared-store.ts'

/** How old a token may get before it is renewed, in milliseconds. */
const RENEWED_AT = 40

export type Said = { readonly generation: number; readonly token: string } | { readonly code: string }

const [, , issuer = '', path = ''] = process.argv
const say = (said: Said): void => void writeSync(1, `${JSON.stringify(said)}\n`)
const ending = new AbortController()
process.on('SIGTERM', () => ending.abort())

const { close, ...world } = nodePorts()
const store = await openedStore(path, world)
const early = (lifetime: number): number => lifetime - RENEWED_AT
const { accessTokens, idle } = await connected(
  issuer,
  { ...userClient, windows: { advisory: early, mandatory: early }, policy: { retry: { retries: 1 } } },
  { ...world, store },
)
while (!ending.signal.aborted) {
  try {
    const { token, generation } = await accessTokens.token()
    say({ generation, token: token.reveal().slice(-16) })
  } catch (thrown) {
    say({ code: asGuestpassError(thrown).code })
  }
  await world.clock.sleep(10)
}
await idle()
await store.close()
await close()

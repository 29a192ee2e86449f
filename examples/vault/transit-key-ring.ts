import { type ErrorCode, GuestpassError, type Secret } from '@guestpass/core'
import type { KeyRing } from '@guestpass/store/sqlite'

export interface TransitOptions {
  /** Where the vault is, as `https://vault.example.com:8200`. */
  readonly address: string
  /** A token that may `update` `transit/encrypt/KEY` and `transit/decrypt/KEY`, and nothing else. */
  readonly token: Secret
  /** The key of the transit engine that wraps; of type aes256-gcm96, which binds the purpose. */
  readonly key: string
  /** Where the engine is mounted; `transit` by default. */
  readonly mount?: string
  /** How long one call may take, in milliseconds; 5000 by default. */
  readonly timeoutMs?: number
}

interface Answer {
  readonly data?: { readonly ciphertext?: string; readonly plaintext?: string }
  readonly errors?: readonly string[]
}

const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64')

/**
 * What an answer that is no success means. https://developer.hashicorp.com/vault/api-docs#http-status-codes
 */
function meaning(status: number, told: string): readonly [ErrorCode, string] {
  if (told.includes('authentication failed'))
    return ['store_corrupt', 'The data key was changed since it was wrapped. Restore the store from a backup']
  if (told.includes('key not found')) return ['store_wrong_key', 'The vault lacks that key. Name the right one']
  if (status === 403)
    return ['store_unavailable', 'The vault refused the token. Look at its life and its policy: it needs `update`']
  if (status === 404) return ['store_unavailable', 'There is no transit engine. Enable it, or name its mount']
  if (status === 503) return ['store_unavailable', 'The vault is sealed or standing by. Unseal it, or ask its leader']
  return ['store_unavailable', 'The vault could not do it. Look at its log']
}

/**
 * A key ring whose keys stay in the transit engine of HashiCorp Vault or OpenBao. It is asked when a store
 * opens, not for every value.
 */
export function transitKeyRing(options: TransitOptions): KeyRing {
  const { address, token, key, mount = 'transit', timeoutMs = 5_000 } = options
  const idOf = (name: string): string => `${mount}/${name}`

  async function ask(verb: 'encrypt' | 'decrypt', name: string, body: Readonly<Record<string, string>>) {
    const url = new URL(`/v1/${mount}/${verb}/${encodeURIComponent(name)}`, address)
    const call = `POST ${url.href}`
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'x-vault-token': token.reveal(), 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((cause: unknown) => {
      throw new GuestpassError('store_unavailable', `The vault cannot be reached (${call}). Look at its address.`, {
        cause,
      })
    })
    const { data, errors = [] } = (await answer.json().catch(() => ({}))) as Answer
    if (answer.ok && data) return data
    const told = errors.join('; ')
    const [code, what] = meaning(answer.status, told)
    throw new GuestpassError(code, `${what} (${call} answered ${answer.status}${told && `: ${told}`}).`)
  }

  return {
    id: idOf(key),
    async wrap(dataKey, purpose) {
      const { ciphertext = '' } = await ask('encrypt', key, {
        plaintext: base64(dataKey),
        associated_data: base64(purpose),
      })
      return { wrappedBy: idOf(key), bytes: Buffer.from(ciphertext) }
    },
    async unwrap({ wrappedBy, bytes }, purpose) {
      // Also one that another key of the engine wrapped, so that the key can be changed by a rotation.
      const name = wrappedBy.startsWith(idOf('')) ? wrappedBy.slice(idOf('').length) : undefined
      if (name === undefined) {
        throw new GuestpassError(
          'store_wrong_key',
          `The store was sealed with key ${wrappedBy}, which is none of the vault's (${idOf('…')}). Give the ring that has it, and rotate.`,
        )
      }
      const { plaintext = '' } = await ask('decrypt', name, {
        ciphertext: Buffer.from(bytes).toString(),
        associated_data: base64(purpose),
      })
      return Buffer.from(plaintext, 'base64')
    },
  }
}

/**
 * A ring that wraps with the first and unwraps with whichever wrapped: for moving a store from one to the
 * other.
 */
export const eitherRing = (first: KeyRing, second: KeyRing): KeyRing => ({
  id: first.id,
  wrap: (dataKey, purpose) => first.wrap(dataKey, purpose),
  unwrap: (wrapped, purpose) => (wrapped.wrappedBy === second.id ? second : first).unwrap(wrapped, purpose),
})

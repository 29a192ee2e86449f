import { type ErrorCode, GuestpassError, type Secret } from '@guestpass/core'
import type { KeyRing } from '@guestpass/store/sqlite'

export interface TransitOptions {
  /** The address of the vault, as `https://vault.example.com:8200`. */
  readonly address: string
  /** A token with the capability `update` on `transit/encrypt/KEY` and `transit/decrypt/KEY`, and no other. */
  readonly token: Secret
  /** The name of the key of the transit engine, of type aes256-gcm96, which binds the purpose. */
  readonly key: string
  /** The mount path of the engine. Default `transit`. */
  readonly mount?: string
  /** How long one call may take, in milliseconds. Default 5000. */
  readonly timeoutMs?: number
}

interface Answer {
  readonly data?: { readonly ciphertext?: string; readonly plaintext?: string }
  readonly errors?: readonly string[]
}

const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64')

/**
 * The error code and message of a failed answer.
 * Source: https://developer.hashicorp.com/vault/api-docs#http-status-codes
 */
function faultOf(status: number, errors: string): readonly [ErrorCode, string] {
  if (errors.includes('authentication failed'))
    return ['store_corrupt', 'The data key was changed since it was wrapped. Restore the store from a backup']
  if (errors.includes('key not found')) return ['store_wrong_key', 'The vault has no such key. Check the option `key`']
  if (status === 403)
    return [
      'store_unavailable',
      'The vault refused the token. Check its lifetime and its policy, which must allow `update`',
    ]
  if (status === 404)
    return [
      'store_unavailable',
      'The vault has no transit engine at this mount. Enable it, or check the option `mount`',
    ]
  if (status === 503)
    return [
      'store_unavailable',
      'The vault is sealed or a standby node. Unseal it, or use the address of the active node',
    ]
  return ['store_unavailable', 'The vault failed. Check its log']
}

/**
 * A key ring whose keys never leave the transit engine of HashiCorp Vault or OpenBao. The store calls it when
 * it opens, and not for each value.
 *
 * Rejects with `store_unavailable` if the vault cannot be reached or refuses the token, with `store_wrong_key`
 * if it does not have the key, and with `store_corrupt` if the data key was changed.
 */
export function transitKeyRing(options: TransitOptions): KeyRing {
  const { address, token, key, mount = 'transit', timeoutMs = 5_000 } = options
  const idOf = (name: string): string => `${mount}/${name}`

  async function call(operation: 'encrypt' | 'decrypt', name: string, body: Readonly<Record<string, string>>) {
    const url = new URL(`/v1/${mount}/${operation}/${encodeURIComponent(name)}`, address)
    const shown = `POST ${url.href}`
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'x-vault-token': token.reveal(), 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((cause: unknown) => {
      throw new GuestpassError('store_unavailable', `The vault cannot be reached (${shown}). Check its address.`, {
        cause,
      })
    })
    const { data, errors = [] } = (await answer.json().catch(() => ({}))) as Answer
    if (answer.ok && data) return data
    const text = errors.join('; ')
    const [code, message] = faultOf(answer.status, text)
    throw new GuestpassError(code, `${message} (${shown} answered ${answer.status}${text && `: ${text}`}).`)
  }

  return {
    id: idOf(key),
    async wrap(dataKey, purpose) {
      const { ciphertext = '' } = await call('encrypt', key, {
        plaintext: base64(dataKey),
        associated_data: base64(purpose),
      })
      return { wrappedBy: idOf(key), bytes: Buffer.from(ciphertext) }
    },
    async unwrap({ wrappedBy, bytes }, purpose) {
      // Another key of the engine may have wrapped the data key: a rotation can change the key.
      const name = wrappedBy.startsWith(idOf('')) ? wrappedBy.slice(idOf('').length) : undefined
      if (name === undefined) {
        throw new GuestpassError(
          'store_wrong_key',
          `The store was sealed with key ${wrappedBy}, which is not in the vault (${idOf('…')}). Open it with the ring that has the key, and rotate.`,
        )
      }
      const { plaintext = '' } = await call('decrypt', name, {
        ciphertext: Buffer.from(bytes).toString(),
        associated_data: base64(purpose),
      })
      return Buffer.from(plaintext, 'base64')
    },
  }
}

/** A ring that wraps with `first` and unwraps with either: it moves a store from `second` to `first`. */
export const eitherRing = (first: KeyRing, second: KeyRing): KeyRing => ({
  id: first.id,
  wrap: (dataKey, purpose) => first.wrap(dataKey, purpose),
  unwrap: (wrapped, purpose) => (wrapped.wrappedBy === second.id ? second : first).unwrap(wrapped, purpose),
})

import { type Secret } from '@guestpass/core'
import type { Instant, Json } from '@guestpass/core/store-kit'
import * as z from 'zod'
import type { ApiKeyRole } from '../config/kinds.ts'

/** An API key of the service, without the key itself. Times are in milliseconds since 1970. */
export interface ApiKeyView {
  /** The id of the key: the part of it that is no secret. Events name it as the actor of requests. */
  readonly id: string
  /** What its owner calls it. */
  readonly name: string
  readonly roles: readonly ApiKeyRole[]
  /** The group with which it shares its guests. Absent: they are its own. */
  readonly group?: string
  /** For whom its guests are issued: `Context.owner`. A rotated key has the owner of the one before. */
  readonly owner: string
  /** Requests a minute that it may send, to all instances of the service together. Absent: as the configuration says. */
  readonly perMinute?: number
  readonly createdAt: Instant
  /** Who made it: `cli`, or the id of an API key. */
  readonly createdBy: string
  /** When it ends. Absent: when it is revoked. */
  readonly expiresAt?: Instant
  /** When it was last used, within a minute. Absent: never. */
  readonly usedAt?: Instant
}

/** An API key that was just made: the only time that the key itself is given. */
export interface CreatedApiKey {
  readonly view: ApiKeyView
  /** The key, as `Authorization: Bearer` takes it. */
  readonly key: Secret
}

/** An API key as the store keeps it: with a digest in place of the key. */
export interface StoredApiKey extends Omit<ApiKeyView, 'id' | 'usedAt'> {
  /** SHA-256 of the key, in hexadecimal digits. */
  readonly digest: string
}

/** Only this package writes the values. */
export const storedApiKey = (value: Json): StoredApiKey => value as unknown as StoredApiKey

/** The view of a stored key. */
export function apiKeyView(id: string, { digest: _kept, ...stored }: StoredApiKey, usedAt?: Instant): ApiKeyView {
  return { id, ...stored, ...(usedAt === undefined ? {} : { usedAt }) }
}

/** The name of a group of API keys. */
export const apiKeyGroup: z.ZodType<string, string> = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'is not 1 to 64 letters, digits, dots, hyphens or underscores')

/** The beginning of every key. */
export const API_KEY_PREFIX = 'gpk_'

/** The id in the text of a key; undefined for a text that is no key of a store. */
export const idInApiKey = (text: string): string | undefined => /^gpk_([\da-f]{16})_[\w-]{43}$/.exec(text)?.[1]

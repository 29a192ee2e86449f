import { crc32 } from '../domain/crc32.ts'
import type { Credential, GuestCredential, TokenSet } from '../domain/credential.ts'
import { canonicalJson } from '../domain/json.ts'
import { Secret } from '../domain/secret.ts'
import type { Instant } from '../domain/time.ts'
import { GuestpassError } from '../domain/errors.ts'
import { createMemoryCredentials, unclaimedRow } from './memory-credentials.ts'
import { createMemoryDocuments, type DocumentsSnapshot, type Row as DocumentRow } from './memory-documents.ts'
import { createMemoryIssuedTokens, type Remembered } from './memory-issued-tokens.ts'
import type { SavedContents } from './partition.ts'

const FORMAT = 'tokens'
const VERSION = 1

/** What the text of a store holds. */
export interface StoreSnapshot {
  /** Identifies the text. Every later text of the same store has the same id. */
  readonly id: string
  readonly contents: ReadonlyMap<string, SavedContents>
}

type WithoutSecrets<C> = C extends Credential ? Omit<C, 'tokens' | 'profile' | 'status'> : never

/**
 * A credential as JSON, its secrets as texts. The status has the name that the first version of the format
 * gave it.
 */
type PlainCredential = WithoutSecrets<Credential> & {
  readonly standing: Credential['status']
  readonly tokens?: Omit<TokenSet, 'access' | 'refresh'> & { readonly access: string; readonly refresh?: string }
  readonly profile?: string
}

type PlainDocument = Omit<DocumentRow, 'expiresAt'> & { readonly expiresAt?: Instant }

interface PlainContents {
  readonly credentials: readonly {
    readonly credential: PlainCredential
    readonly revision: number
    readonly touchedAt: Instant
  }[]
  readonly documents: { readonly rows: readonly PlainDocument[]; readonly revision: number }
  readonly issued: readonly Remembered[]
}

interface Plain {
  readonly guestpass: typeof FORMAT
  readonly version: typeof VERSION
  readonly id: string
  /** CRC-32 of the connections as canonical JSON. Detects a damaged text. */
  readonly crc32: string
  readonly connections: Readonly<Record<string, PlainContents>>
}

function plainOf({
  tokens,
  profile,
  status,
  ...facts
}: Credential & Pick<GuestCredential, 'profile'>): PlainCredential {
  const rest = { ...facts, standing: status }
  if (!tokens) return { ...rest, ...(profile ? { profile: profile.reveal() } : {}) }
  const { access, refresh, ...kept } = tokens
  return {
    ...rest,
    tokens: { ...kept, access: access.reveal(), ...(refresh ? { refresh: refresh.reveal() } : {}) },
    ...(profile ? { profile: profile.reveal() } : {}),
  }
}

function credentialOf({ tokens, profile, standing, ...facts }: PlainCredential): Credential {
  const rest = { ...facts, status: standing }
  const personal = profile === undefined ? {} : { profile: new Secret(profile) }
  if (!tokens) return { ...rest, ...personal }
  const { access, refresh, ...kept } = tokens
  const renewable = refresh === undefined ? {} : { refresh: new Secret(refresh) }
  return { ...rest, tokens: { ...kept, access: new Secret(access), ...renewable }, ...personal }
}

const plainDocuments = ({ rows, revision }: DocumentsSnapshot): PlainContents['documents'] => ({
  rows: rows.map(({ expiresAt, ...row }) => (Number.isFinite(expiresAt) ? { ...row, expiresAt } : row)),
  revision,
})

const plainContents = (contents: SavedContents, now: Instant): PlainContents => {
  return {
    credentials: contents.credentials.rows().map(({ credential, revision, touchedAt }) => ({
      credential: plainOf(credential),
      revision,
      touchedAt,
    })),
    documents: plainDocuments(contents.documents.snapshot(now)),
    issued: contents.issued.rows(now),
  }
}

const contentsOf = ({ credentials: rows, documents, issued }: PlainContents): SavedContents => ({
  credentials: createMemoryCredentials(
    rows.map((row) => unclaimedRow({ ...row, credential: credentialOf(row.credential) })),
  ),
  documents: createMemoryDocuments({
    ...documents,
    rows: documents.rows.map(({ expiresAt = Number.POSITIVE_INFINITY, ...row }) => ({ ...row, expiresAt })),
  }),
  issued: createMemoryIssuedTokens(issued),
})

/** The store as a JSON text, secrets in clear. `now` decides which expired entries are left out. */
export function serializeStore({ id, contents }: StoreSnapshot, now: Instant): string {
  const connections = Object.fromEntries([...contents].map(([name, of]) => [name, plainContents(of, now)]))
  const plain: Plain = { guestpass: FORMAT, version: VERSION, id, crc32: checksumOf(connections), connections }
  return JSON.stringify(plain)
}

/**
 * Reads the text of a store. `place` names the text in errors. Throws `store_newer` if a newer version wrote
 * it, and `store_corrupt` if it is damaged or no text of a store.
 */
export function parseStore(text: string, place: string): StoreSnapshot {
  const { guestpass, version, id, crc32: sum, connections } = parseJson(text)
  if (guestpass !== FORMAT || typeof version !== 'number')
    throw corruptText(place, 'is not the text of a Guestpass store')
  if (version > VERSION) {
    throw new GuestpassError(
      'store_newer',
      `${place} was saved by a newer version of Guestpass (format ${version}; this version reads ${VERSION}). Nothing was written. Install that version.`,
    )
  }
  if (id === undefined || connections === undefined || sum !== checksumOf(connections))
    throw corruptText(place, 'was changed or truncated after it was saved')
  return { id, contents: new Map(Object.entries(connections).map(([name, plain]) => [name, contentsOf(plain)])) }
}

const checksumOf = (connections: Plain['connections']): string => crc32(canonicalJson(connections))

function parseJson(text: string): Partial<Plain> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    // The message of the parser would show a part of the text.
    return {}
  }
}

const corruptText = (place: string, what: string): GuestpassError =>
  new GuestpassError(
    'store_corrupt',
    `${place} ${what}. Nothing was written. Restore the text that was saved last, or remove it and sign in again.`,
  )

import { endsCanonically } from '../domain/base64url.ts'
import type { Platform } from './platform.ts'
import { ownMember, strictObject } from '../domain/strict-json.ts'
import type { Claims, Reason } from './verdict.ts'

/** The longest token that is read, in characters. */
export const MAX_TOKEN_LENGTH = 16_384

/**
 * Three parts of the base64url alphabet. Only the signature may be empty; the reason is then an `alg` of
 * `none`.
 */
const THREE_PARTS = /^[\w-]+\.[\w-]+\.[\w-]*$/

/**
 * Members with which a token contains or names its own key. A token must not choose its key, and none is
 * fetched.
 */
const OWN_KEY = ['jwk', 'jku', 'x5u']

/** The members of the JOSE header that are used. */
interface Header {
  /** `EdDSA` also for tokens that call it `Ed25519` (RFC 9864). */
  readonly alg: string
  readonly kid?: string
  /** The media type, see `mediaType`. */
  readonly type?: string
}

/** A compact JWS whose form is right and whose signature was not checked. */
export interface CompactJws {
  readonly header: Header
  /** Deeply frozen. */
  readonly claims: Claims
  /** The text that was signed: header, dot, payload. */
  readonly signingInput: string
  /** Canonical base64url, possibly empty. */
  readonly signature: string
}

/**
 * A media type in the form that is compared: in lower case and without `application/`, which `typ` may leave
 * out where no other slash follows (RFC 7515, section 4.1.9).
 */
export function mediaType(typ: string): string {
  const lower = typ.toLowerCase()
  const short = lower.startsWith('application/') ? lower.slice('application/'.length) : lower
  return short.includes('/') ? lower : short
}

function headerWith(header: Readonly<Record<string, unknown>>, alg: string, kid?: string): Header {
  const typ = ownMember(header, 'typ')
  return {
    alg: alg === 'Ed25519' ? 'EdDSA' : alg,
    ...(kid === undefined ? {} : { kid }),
    ...(typeof typ === 'string' ? { type: mediaType(typ) } : {}),
  }
}

function readHeader(bytes: Uint8Array): Header | Reason {
  const header = strictObject(bytes)
  if (!header) return 'malformed'
  const alg = ownMember(header, 'alg')
  if (typeof alg !== 'string') return 'algorithm'
  // No extension is supported, so that any `crit`, also a malformed one, is refused (RFC 7515, section
  // 4.1.11).
  if (Object.hasOwn(header, 'crit')) return 'critical_header'
  if (OWN_KEY.some((name) => Object.hasOwn(header, name))) return 'unknown_key'
  if (!Object.hasOwn(header, 'kid')) return headerWith(header, alg)
  const kid = ownMember(header, 'kid')
  return typeof kid === 'string' ? headerWith(header, alg, kid) : 'malformed'
}

/**
 * How many headers are remembered, and the longest one: an issuer writes the same few short headers again and
 * again.
 */
const HEADERS = 16
const MAX_REMEMBERED_HEADER = 512

/** Remembers a few headers by their encoded text. */
function createHeaderReader(platform: Pick<Platform, 'bytes'>): (encoded: string) => Header | Reason {
  const known = new Map<string, Header | Reason>()
  return (encoded) => {
    const before = known.get(encoded)
    if (before) return before
    const bytes = platform.bytes(encoded)
    const header = readHeader(bytes)
    if (encoded.length <= MAX_REMEMBERED_HEADER) {
      if (known.size >= HEADERS) known.clear()
      known.set(encoded, header)
    }
    return header
  }
}

/**
 * Makes a reader of compact JWS (RFC 7515, section 7.1) whose payload is a JSON object. One form of a token
 * is accepted: canonical base64url without padding or spaces, and each member name once. The header members
 * `jwk`, `jku` and `x5u` give `unknown_key`.
 */
export function createCompactJwsReader(platform: Pick<Platform, 'bytes'>): (token: string) => CompactJws | Reason {
  const headerOf = createHeaderReader(platform)
  return (token) => {
    if (!THREE_PARTS.test(token)) return 'malformed'
    const first = token.indexOf('.')
    const last = token.indexOf('.', first + 1)
    const encodedHeader = token.slice(0, first)
    const payload = token.slice(first + 1, last)
    const signature = token.slice(last + 1)
    if (!endsCanonically(encodedHeader) || !endsCanonically(payload) || !endsCanonically(signature)) return 'malformed'
    const header = headerOf(encodedHeader)
    if (typeof header === 'string') return header
    const claims = strictObject(platform.bytes(payload))
    return claims ? { header, claims, signingInput: token.slice(0, last), signature } : 'malformed'
  }
}

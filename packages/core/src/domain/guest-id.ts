import type { GuestCredential } from './credential.ts'

/** The most characters that the id of a guest may have. */
const MAX_GUEST_ID = 200

/**
 * Whether a text changes the path of a URL as one segment of it: it is empty, or has `.` or `..` between
 * slashes, percent-encoded or not. Many proxies decode an encoded slash and then remove such parts (RFC 3986,
 * 5.2.4).
 */
export const changesPath = (text: string): boolean =>
  text === '' ||
  text
    .replaceAll(/%2e/gi, '.')
    .split(/[\\/]|%2f|%5c/i)
    .some((part) => part === '.' || part === '..')

/**
 * Whether a text can be the id of a guest: 1 to 200 visible characters and single blanks between them, which
 * do not change the path of a URL.
 */
export const isGuestId = (text: string): boolean =>
  /^[^\p{C}\p{Z}]+( [^\p{C}\p{Z}]+)*$/u.test(text) && Array.from(text).length <= MAX_GUEST_ID && !changesPath(text)

/** What is said of a text that cannot be one. */
export const NO_GUEST_ID = `not 1 to ${MAX_GUEST_ID} visible characters without . and .. between slashes`

const ownedBy = (api: string): string => `${api}/`

/** The row of a guest under the name of its API: where the plain id is the row of something else. */
export const namedRow = (api: string, guestId: string): string => `${ownedBy(api)}${guestId}`

/**
 * The row of a guest whose named row is taken: a guest of another API has that text as its id, and was stored
 * before this API was registered. An id never begins with a blank, so no other guest can have this row.
 */
export const spareRow = (api: string, guestId: string): string => `${ownedBy(api)} ${guestId}`

/** The id that names the row of a guest. */
export const idInRow = ({ api, id }: Pick<GuestCredential, 'api' | 'id'>): string =>
  id.startsWith(ownedBy(api)) ? id.slice(ownedBy(api).length).replace(/^ /, '') : id

/**
 * Gives the id by which callers, webhooks and the API know a stored guest. It can differ from
 * `GuestCredential.id`, which names the row. Earlier versions made a UUID for that id if the API gave none,
 * and stored the id of the API as `upstreamId`.
 */
export const guestIdOf = ({ api, id, upstreamId }: Pick<GuestCredential, 'api' | 'id' | 'upstreamId'>): string =>
  api !== 'guest-tokens' && upstreamId !== undefined ? upstreamId : idInRow({ api, id })

/**
 * A guest in a message, by its id; an address that was given in the place of one is not repeated, because
 * messages go to logs.
 */
export const guestNamed = (id: string): string => (id.includes('@') ? 'the guest' : `guest ${id}`)

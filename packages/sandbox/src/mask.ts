import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

const secretHeaders = new Set(['cookie', 'proxy-authorization', 'x-api-key', 'x-sandbox-token'])

const secretFields = new Set([
  'access_token',
  'accesstoken',
  'assertion',
  'client_assertion',
  'client_secret',
  'clientsecret',
  'code',
  'code_verifier',
  'codeverifier',
  'device_code',
  'form_token',
  'guesttoken',
  'id_token',
  'idtoken',
  'jwt',
  'newtoken',
  'password',
  'refresh_token',
  'refreshtoken',
  'token',
  'user_code',
  'usercode',
])

/** Fields whose value counts as an e-mail address, also if it does not look like one. */
const emailFields = new Set(['email', 'login_hint'])

const jwt = /\bey[\w-]{8,}\.[\w-]+\.[\w-]*/g

/**
 * A text in place of a secret or address. The same value gives the same text, so that presentations can be
 * compared.
 */
export function digest(secret: string | Buffer): string {
  return `sha256:${createHash('sha256').update(secret).digest('hex').slice(0, 12)}`
}

export function maskHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const masked: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '')
    masked[name] =
      name === 'authorization' ? maskAuthorization(text) : secretHeaders.has(name) ? digest(text) : maskText(text)
  }
  return masked
}

/** Masks the values of secret query parameters of a path. */
export function maskPath(url: string): string {
  const mark = url.indexOf('?')
  if (mark < 0) return maskText(url)
  const query = url
    .slice(mark + 1)
    .split('&')
    .map(maskParameter)
  return maskText(`${url.slice(0, mark)}?${query.join('&')}`)
}

function maskParameter(pair: string): string {
  const [[name, value] = ['', '']] = new URLSearchParams(pair)
  return secretFields.has(name.toLowerCase()) || emailFields.has(name.toLowerCase())
    ? `${name}=${String(maskField(name, value))}`
    : pair
}

/**
 * The body as data with its secrets masked; null for an empty one. A body that cannot be parsed shows size
 * and digest.
 */
export function maskBody(contentType: string | undefined, body: Buffer): unknown {
  if (body.length === 0) return null
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === 'application/x-www-form-urlencoded') return maskForm(body)
  try {
    return maskValue(JSON.parse(body.toString('utf8')))
  } catch {
    return { unreadable: { bytes: body.length, digest: digest(body) } }
  }
}

function maskForm(body: Buffer): Record<string, unknown> {
  const form = new URLSearchParams(body.toString('utf8'))
  return Object.fromEntries(
    [...new Set(form.keys())].map((name) => {
      const values = form.getAll(name).map((value) => maskField(name, value))
      return [name, values.length === 1 ? values[0] : values]
    }),
  )
}

function maskField(name: string, value: unknown): unknown {
  if (typeof value !== 'string' || value === '') return maskValue(value)
  if (secretFields.has(name.toLowerCase())) return digest(value)
  return emailFields.has(name.toLowerCase()) ? emailDigest(value) : maskText(value)
}

function maskValue(value: unknown): unknown {
  if (typeof value === 'string') return maskText(value)
  if (Array.isArray(value)) return value.map(maskValue)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, maskField(name, inner)]))
}

/** Addresses are compared without regard to case. */
function emailDigest(email: string): string {
  return digest(email.trim().toLowerCase())
}

function maskText(text: string): string {
  const bare = text.includes('ey') ? text.replace(jwt, (token) => digest(token)) : text
  return /@|%40/.test(bare) ? bare.replace(/[^\s"'<>(),;:=&?/]+/g, maskWord) : bare
}

function maskWord(word: string): string {
  const [, before, after] = /^([^@]+?)(?:@|%40)([^@]+)$/.exec(word) ?? []
  return before === undefined || after === undefined ? word : emailDigest(`${before}@${after}`)
}

function maskAuthorization(text: string): string {
  const gap = text.indexOf(' ')
  return gap < 0 ? digest(text) : `${text.slice(0, gap)} ${digest(text.slice(gap + 1).trim())}`
}

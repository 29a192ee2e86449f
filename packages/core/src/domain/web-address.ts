import { schema } from './options.ts'

/**
 * Whether an address of a server is read as it was meant. If a character of its password is not encoded, as `/`, `?`
 * or `#`, the host ends in the password, which would then be shown as the host.
 */
export const isWholeAddress = ({ pathname, search, hash }: URL): boolean =>
  hash === '' && !pathname.includes('@') && (!search.includes('@') || search.includes('='))

/** An address of http or https, which says nothing of whether it is safe to send a secret there. */
export const webAddress = schema(
  'an http or https address',
  (value) => typeof value === 'string' && /^https?:\/\/[^\s\\]+$/i.test(value) && URL.canParse(value),
  'Write it in full, as https://crm.example.com.',
)

import { schema } from './options.ts'

/** An address of http or https, which says nothing of whether it is safe to send a secret there. */
export const webAddress = schema(
  'an http or https address',
  (value) => typeof value === 'string' && /^https?:\/\/[^\s\\]+$/i.test(value) && URL.canParse(value),
  'Write it in full, as https://crm.example.com.',
)

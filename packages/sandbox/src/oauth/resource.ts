import { oauthRefusal } from '../refusal.ts'

/**
 * Checks the requested resource: an absolute address without a fragment (RFC 8707, section 2). Refuses with
 * `invalid_target`.
 */
export function checkedResource(given: string | undefined): string | undefined {
  if (given === undefined || (URL.canParse(given) && !given.includes('#'))) return given
  throw oauthRefusal(400, 'invalid_target', 'resource is an absolute address without a fragment')
}

import { oauthRefusal } from '../refusal.ts'

/** The resource that a client wants its access token for. Refuses one that is no absolute address without fragment (RFC 8707 section 2). */
export function checkedResource(given: string | undefined): string | undefined {
  if (given === undefined || (URL.canParse(given) && !given.includes('#'))) return given
  throw oauthRefusal(400, 'invalid_target', 'resource is an absolute address without a fragment')
}

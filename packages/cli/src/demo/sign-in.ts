import type { Connection, SignedIn } from '@guestpass/core'
import { DEMO_CONTEXT } from './demo-environment.ts'

/** The redirect address. The demo acts as the browser. */
const REDIRECT = 'http://127.0.0.1:8976/callback'

/** The parameters of the callback from a consent page that consents by itself. */
export async function consentCallback(
  signIn: Connection['signIn'],
  scopes: readonly string[],
): Promise<URLSearchParams> {
  const { url } = await signIn.begin({ redirectUri: REDIRECT, scopes }, DEMO_CONTEXT)
  const answer = await globalThis.fetch(url, { redirect: 'manual' })
  return new URL(answer.headers.get('location') ?? REDIRECT).searchParams
}

/** Signs a user in, as a browser does. */
export const signInUser = async (signIn: Connection['signIn'], scopes: readonly string[]): Promise<SignedIn> =>
  signIn.complete(await consentCallback(signIn, scopes), undefined, DEMO_CONTEXT)

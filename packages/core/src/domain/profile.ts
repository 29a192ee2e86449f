import type { Json } from './json.ts'
import { Secret } from './secret.ts'

/** What is stored of the person behind a guest. A guest of a guest token has at most `tokenSubject`. */
export type Profile = {
  /** Trimmed, in lower case. */
  readonly email?: string
  readonly name?: string
  /** The attributes of the latest request, over those of earlier ones. */
  readonly attributes?: { readonly [name: string]: Json }
  /** What the CRM knows of the customer. */
  readonly crm?: { readonly customerId?: string; readonly tier?: string; readonly lastInteraction?: string }
  /** The answer of the upstream API that made the guest, without its tokens. */
  readonly upstream?: { readonly [name: string]: Json }
  /** The `sub` of its tokens, where that is not the guest id. An upstream may put an address there. */
  readonly tokenSubject?: string
}

/**
 * Makes the secret that `GuestCredential.profile` holds: the profile as JSON. Logs show it as a mask. It is not
 * encrypted; the store encrypts it.
 */
export const profileSecret = (profile: Profile): Secret => new Secret(JSON.stringify(profile))

/** Reads a profile that `profileSecret` made; an empty profile for undefined. Decrypts nothing. */
export const profileIn = (profile: Secret | undefined): Profile =>
  profile === undefined ? {} : (JSON.parse(profile.reveal()) as Profile)

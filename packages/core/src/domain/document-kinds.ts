/** Documents of sign-ins that were begun, by the digest of their state. */
export const SIGN_INS = 'sign-in'

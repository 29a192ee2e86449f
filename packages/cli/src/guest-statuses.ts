import type { CurrentStatus } from '@guestpass/core/runtime-kit'

/** Every status that a guest can have now. */
export const guestStatuses = {
  active: 'active',
  expired: 'expired',
  in_doubt: 'in_doubt',
  needs_reauth: 'needs_reauth',
  revoked: 'revoked',
  erased: 'erased',
} as const satisfies { readonly [Each in CurrentStatus]: Each }

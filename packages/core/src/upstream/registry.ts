/*
 * The guest APIs, one line each: to add one, add its folder and its line here (docs/add-a-guest-api.md).
 * Everything else follows from what its file `api.ts` states. The order of these lines does not matter.
 */
export { engagements } from './engagements/api.ts'
export { externalUsers } from './external-users/api.ts'
export { guestTokens } from './guest-tokens/api.ts'

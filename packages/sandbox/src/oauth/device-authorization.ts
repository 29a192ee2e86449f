import type { Endpoint } from '../endpoint.ts'
import { type Authenticate, clientEndpoint } from './client-endpoint.ts'
import { DEVICE_CODE_SECONDS, type DeviceCodes } from './device-codes.ts'
import { checkedResource } from './resource.ts'
import { userScopes } from './scopes.ts'

/** `POST /oauth/device_authorization` and its alias: RFC 8628, section 3.1. */
export const deviceAuthorizationEndpoint = (
  issuer: () => string,
  codes: DeviceCodes,
  authenticate: Authenticate,
): Endpoint =>
  clientEndpoint('device', 'device_authorization', authenticate, (client, form) => {
    const scopes = userScopes(client, form['scope'])
    const { text, code } = codes.issue({ client, scopes, audience: checkedResource(form['resource']) })
    const page = `${issuer()}/device`
    return {
      status: 200,
      headers: { 'cache-control': 'no-store' },
      json: {
        device_code: text,
        user_code: code.userCode,
        verification_uri: page,
        verification_uri_complete: `${page}?user_code=${code.userCode}`,
        expires_in: DEVICE_CODE_SECONDS,
        interval: code.interval,
      },
    }
  })

import { z } from 'zod'
import type { Access } from '../access.ts'
import type { Endpoint } from '../endpoint.ts'
import { assertSameOrganization } from '../guest-tokens/generate-token.ts'
import { jsonBody, required } from '../json-body.ts'
import { apiRefusal, type Refusal } from '../refusal.ts'
import type { Sessions } from './sessions.ts'

const refreshTokenError = required("the guest's refresh token")

const body = z.object(
  { refreshToken: z.string({ error: refreshTokenError }).min(1, { error: refreshTokenError }) },
  { error: 'a JSON object' },
)

/** `POST /api/v2/engagements/guests/refresh`: gives the next tokens, once for each refresh token. */
export function refreshGuestEndpoint(access: Access, sessions: Sessions): Endpoint {
  return {
    operation: 'refresh',
    method: 'POST',
    paths: ['/api/v2/engagements/guests/refresh'],
    dialect: 'api',
    answer: async (call) => {
      const { organization } = access(call, 'guest:write').token.client
      const { refreshToken } = jsonBody(call, body)
      const presented = sessions.present(refreshToken)
      const guest = sessions.find(presented?.guestId ?? '')
      if (presented === undefined || guest === undefined) {
        throw refused(400, 'invalid.value', 'No guest has this refresh token.')
      }
      call.note({ guestId: guest.guestId, presented: presented.presented, refreshes: guest.refreshes })
      assertSameOrganization(guest.organization.id, organization.id)
      if (presented.spent) {
        call.note({ reuse: true })
        throw refused(409, 'request.conflict', 'This refresh token was used before.')
      }
      if (!sessions.isRefreshable(guest)) throw refused(400, 'credentials.expired', "The guest's session is over.")
      const next = await sessions.refresh(guest, refreshToken)
      call.note({ refreshes: next.guest.refreshes })
      return {
        status: 200,
        json: { token: next.token, expiresIn: sessions.tokenSeconds, refreshToken: next.refreshToken },
      }
    },
  }
}

function refused(status: number, code: string, message: string): Refusal {
  const details = [{ errorCode: code, fieldName: 'refreshToken', message }]
  return apiRefusal({ status, code, message, details })
}

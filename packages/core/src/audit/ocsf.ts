import type { EventType } from '../domain/events/event.ts'
import type { ChainedRecord } from './verify-chain.ts'

/** The version of OCSF that is written. */
const OCSF = '1.3.0'

/**
 * An audit record as an event of the Open Cybersecurity Schema Framework 1.3.0. The page about the audit log
 * has the mapping.
 */
export interface OcsfRecord {
  readonly category_uid: 3 | 6
  readonly category_name: string
  readonly class_uid: 3002 | 6003
  readonly class_name: string
  readonly activity_id: number
  readonly activity_name: string
  readonly type_uid: number
  readonly type_name: string
  readonly severity_id: number
  readonly severity: string
  readonly status_id: number
  readonly status: string
  readonly [attribute: string]: unknown
}

type Activity = readonly [id: number, name: string]

const AUTHENTICATION = { category: [3, 'Identity & Access Management'], class: [3002, 'Authentication'] } as const
const API_ACTIVITY = { category: [6, 'Application Activity'], class: [6003, 'API Activity'] } as const

const LOGON: Activity = [1, 'Logon']
const LOGOFF: Activity = [2, 'Logoff']
const TICKET: Activity = [4, 'Service Ticket Request']
const RENEWAL: Activity = [5, 'Service Ticket Renew']
const CREATE: Activity = [1, 'Create']
const UPDATE: Activity = [3, 'Update']
const DELETE: Activity = [4, 'Delete']
const OTHER: Activity = [99, 'Other']

/** Events about sign-ins, sessions and tokens are of the class Authentication. */
const authentication: Readonly<Partial<Record<EventType, Activity>>> = {
  TOKEN_REQUEST_INITIATED: TICKET,
  TOKEN_GENERATED_SUCCESS: TICKET,
  TOKEN_FAILED: TICKET,
  TOKEN_ADOPTED: OTHER,
  TOKEN_REVOKED: LOGOFF,
  REFRESH_INITIATED: RENEWAL,
  REFRESH_COMPLETED: RENEWAL,
  REFRESH_FAILED: RENEWAL,
  ACCESS_TOKEN_INITIATED: RENEWAL,
  ACCESS_TOKEN_RENEWED: RENEWAL,
  ACCESS_TOKEN_FAILED: RENEWAL,
  SIGN_IN_STARTED: LOGON,
  SIGN_IN_COMPLETED: LOGON,
  SIGN_IN_FAILED: LOGON,
  GRANT_IN_DOUBT: OTHER,
  GRANT_LAST_RESORT: RENEWAL,
  GRANT_ENDED: LOGOFF,
  GRANT_REVOKED: LOGOFF,
  'guest.authentication': LOGON,
}

/** All other events are of the class API Activity: they create, change or remove something. */
const activities: Readonly<Partial<Record<EventType, Activity>>> = {
  GUEST_CREATE_INITIATED: CREATE,
  GUEST_CREATE_IN_DOUBT: CREATE,
  GUEST_CREATE_FAILED: CREATE,
  GUEST_ENRICHED: UPDATE,
  GUEST_ENRICHMENT_FAILED: UPDATE,
  GUEST_INVALIDATED: DELETE,
  GUEST_ERASED: DELETE,
  WEBHOOK_DISABLED: UPDATE,
  KEYS_ROTATED: UPDATE,
  STORE_RESTORED: UPDATE,
  AUDIT_PRUNED: DELETE,
  GUEST_REMOVED: DELETE,
  API_KEY_CREATED: CREATE,
  API_KEY_REVOKED: DELETE,
}

const STATUS = {
  success: [1, 'Success'],
  failure: [2, 'Failure'],
  pending: [99, 'Pending'],
} as const

/** Maps a record to OCSF. `version`: that of this program. */
export function ocsfRecord({ record, count, hash }: ChainedRecord, version: string): OcsfRecord {
  const { eventType, outcome, subject, error, connection } = record
  const isAuthentication = eventType in authentication
  const { category, class: of } = isAuthentication ? AUTHENTICATION : API_ACTIVITY
  const [activity, activityName] = authentication[eventType] ?? activities[eventType] ?? OTHER
  const [status, statusName] = STATUS[outcome]
  const time = Date.parse(record.timestamp)
  return {
    category_uid: category[0],
    category_name: category[1],
    class_uid: of[0],
    class_name: of[1],
    activity_id: activity,
    activity_name: activityName,
    type_uid: of[0] * 100 + activity,
    type_name: `${of[1]}: ${activityName}`,
    severity_id: outcome === 'failure' ? 2 : 1,
    severity: outcome === 'failure' ? 'Low' : 'Informational',
    status_id: status,
    status: statusName,
    ...(error ? { status_code: error.code, status_detail: error.message } : {}),
    time,
    ...(record.latencyMs === null ? {} : { duration: Math.round(record.latencyMs) }),
    message: eventType,
    metadata: {
      version: OCSF,
      product: { name: 'Guestpass', vendor_name: 'Guestpass', version },
      uid: record.eventId,
      correlation_uid: record.correlationId,
      event_code: eventType,
      log_name: 'audit',
      sequence: count,
    },
    actor: { app_name: record.actor },
    ...(isAuthentication
      ? { user: { uid: subject, type_id: 99, type: 'Guest' }, service: { name: connection }, is_remote: true }
      : {
          api: {
            operation: eventType,
            service: { name: connection },
            ...(error ? { response: { error: error.code, ...codeOf(record.statusCode) } } : {}),
          },
          src_endpoint: { svc_name: record.actor },
          resources: [{ uid: subject, type: 'subject' }],
        }),
    unmapped: {
      connection,
      generation: record.generation,
      statusCode: record.statusCode,
      idempotencyKey: record.idempotencyKey,
      chainHash: hash,
      data: record.data,
    },
  }
}

const codeOf = (statusCode: number | null) => (statusCode === null ? {} : { code: statusCode })

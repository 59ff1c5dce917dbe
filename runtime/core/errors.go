package core

import (
	"errors"
	"time"
)

// Code is the machine-readable name of an error in the wire contract.
type Code string

// The codes of the contract. Which HTTP status each gets is decided in one table, at the HTTP edge.
const (
	CodeInvalidID          Code = "INVALID_ID"
	CodeBadRequest         Code = "BAD_REQUEST"
	CodeMissingParam       Code = "MISSING_PARAM"
	CodeInvalidRequest     Code = "INVALID_REQUEST"
	CodeInvalidInput       Code = "INVALID_INPUT"
	CodeValidation         Code = "VALIDATION_ERROR"
	CodeCreate             Code = "CREATE_ERROR" // a character that cannot be used
	CodeInvalidContentType Code = "INVALID_CONTENT_TYPE"
	CodeInvalidFileType    Code = "INVALID_FILE_TYPE"
	CodeInvalidAgentID     Code = "INVALID_AGENT_ID"
	CodeUnauthorized       Code = "UNAUTHORIZED"
	CodeForbidden          Code = "FORBIDDEN"
	CodeNotFound           Code = "NOT_FOUND"
	CodeAgentNotFound      Code = "AGENT_NOT_FOUND"
	CodeChannelNotFound    Code = "CHANNEL_NOT_FOUND"
	CodeConflict           Code = "CONFLICT"
	CodeFileTooLarge       Code = "FILE_TOO_LARGE"
	CodePayloadTooLarge    Code = "PAYLOAD_TOO_LARGE"
	CodeRateLimit          Code = "RATE_LIMIT_EXCEEDED"
	CodeInternal           Code = "INTERNAL_ERROR"
	CodeStart              Code = "START_ERROR"
	CodeUpdate             Code = "UPDATE_ERROR"
	CodeDelete             Code = "DELETE_ERROR"
	CodeMemory             Code = "MEMORY_ERROR"
	CodeProcessing         Code = "PROCESSING_ERROR"
	CodeUpload             Code = "UPLOAD_ERROR"
	CodeModel              Code = "MODEL_ERROR"
	CodeUnavailable        Code = "SERVICE_UNAVAILABLE"
	CodeStorageFull        Code = "INSUFFICIENT_STORAGE"
	CodeTimeout            Code = "TIMEOUT"
	CodeSessionNotFound    Code = "SESSION_NOT_FOUND"
	CodeSessionExpired     Code = "SESSION_EXPIRED"
	CodeSessionRenewal     Code = "SESSION_RENEWAL_FAILED"
	CodeSessionCreation    Code = "SESSION_CREATION_FAILED"
	CodeMessageSend        Code = "MESSAGE_SEND_FAILED"
)

// Error is the one error type that reaches clients. Message and Details are for the client; Err is the
// cause, which is logged and never sent.
type Error struct {
	Code       Code
	Message    string
	Details    string
	RetryAfter time.Duration // 0 = no hint
	Err        error
}

// Error returns the message and, for logs, the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is matches by code, so that a sentinel matches every error made from it.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// With returns a copy of e with another message, for naming the thing that was wrong.
func (e *Error) With(message string) *Error {
	c := *e
	c.Message = message
	return &c
}

// Wrap returns a copy of e with a cause.
func (e *Error) Wrap(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// BadRequest is an error of code [CodeBadRequest].
func BadRequest(message string) *Error { return &Error{Code: CodeBadRequest, Message: message} }

// CodeOf returns the code of the first [Error] in err's chain, [CodeInternal] when there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// Messages of D-Bus as bytes: a writer and a reader of just the types that are used here. No system
// calls. Source: D-Bus Specification 0.42, "Type System" and "Message Protocol".
//
//   Body body;
//   body.PutString("tiny.scope");
//   body.PutUint32(7);
//   const std::string bytes = Encode({.type = MessageType::kMethodCall, .serial = 1,
//                                     .path = "/org/freedesktop/systemd1", .member = "StopUnit",
//                                     .body = std::move(body)});
#ifndef TINY_CGROUP_DBUS_MESSAGE_H_
#define TINY_CGROUP_DBUS_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::dbus {

// The arguments of a message, little-endian, and their signature. A container's elements are put
// between its Begin and its End. Thread-compatible.
class Body {
 public:
  void PutBool(bool value) { PutNumber('b', value ? uint32_t{1} : uint32_t{0}); }
  void PutInt32(int32_t value) { PutNumber('i', value); }
  void PutUint32(uint32_t value) { PutNumber('u', value); }
  void PutInt64(int64_t value) { PutNumber('x', value); }
  void PutUint64(uint64_t value) { PutNumber('t', value); }
  void PutString(absl::string_view text);
  void PutBytes(absl::string_view bytes);  // "ay"

  // An array of elements with the signature `element`; returns what EndArray needs.
  size_t BeginArray(absl::string_view element);
  void EndArray(size_t array);
  void BeginStruct() { Align(8); }
  // A variant: exactly one value with this signature follows.
  void BeginVariant(absl::string_view signature);
  void EndVariant() { --nested_; }

  const std::string& bytes() const { return bytes_; }
  const std::string& signature() const { return signature_; }

 private:
  template <typename T>
  void PutNumber(char type, T value) {
    Note(absl::string_view(&type, 1));
    Align(sizeof(value));
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void Align(size_t boundary) {
    bytes_.resize((bytes_.size() + boundary - 1) / boundary * boundary);
  }
  void Note(absl::string_view type) {
    if (nested_ == 0) signature_.append(type.data(), type.size());
  }

  std::string bytes_;
  std::string signature_;
  int nested_ = 0;  // containers that are open, whose signature says what is in them
};

enum class MessageType : uint8_t { kMethodCall = 1, kMethodReturn = 2, kError = 3, kSignal = 4 };

struct Message {
  MessageType type = MessageType::kMethodCall;
  uint32_t serial = 0;        // never 0 on the wire
  uint32_t reply_serial = 0;  // 0: none
  std::string path = {};
  std::string interface = {};
  std::string member = {};
  std::string error_name = {};
  std::string destination = {};
  std::string sender = {};
  Body body = {};                  // of one that is sent
  std::string signature = {};      // of one that was received
  std::string received_body = {};  // likewise
};

std::string Encode(const Message& message);

// How many bytes the message is long whose first ones these are; nothing while that can't be told.
// kDataLoss for what is no message, or one over 128 MiB, as the specification limits them.
inline constexpr size_t kFixedHeaderSize = 16;
absl::StatusOr<std::optional<size_t>> SizeOfMessage(absl::string_view bytes);

// One whole message. kDataLoss for anything that is not as it should be.
absl::StatusOr<Message> Decode(absl::string_view bytes);

// Reads values in order; past the end, or where a value is malformed, all are empty and ok() false.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : bytes_(bytes) {}

  uint8_t Byte();
  uint32_t Uint32();
  uint64_t Uint64();
  absl::string_view String();     // or an object's path
  absl::string_view Signature();  // its length is one byte
  void Align(size_t boundary);
  // Passes over a value of that type; of the basic ones only, else ok() is false.
  void Skip(char type);

  bool ok() const { return ok_; }
  size_t position() const { return position_; }
  bool AtEnd() const { return position_ >= bytes_.size(); }

 private:
  absl::string_view Take(size_t size);

  absl::string_view bytes_;
  size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace tiny::dbus

#endif  // TINY_CGROUP_DBUS_MESSAGE_H_

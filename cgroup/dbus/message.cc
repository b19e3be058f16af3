#include "cgroup/dbus/message.h"

#include <cstring>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tiny::dbus {
namespace {

constexpr char kLittleEndian = 'l';
constexpr uint8_t kProtocolVersion = 1;
constexpr size_t kMaxMessage = size_t{128} << 20;
constexpr size_t kMaxFields = size_t{64} << 20;

enum Field : uint8_t {
  kPath = 1,
  kInterface = 2,
  kMember = 3,
  kErrorName = 4,
  kReplySerial = 5,
  kDestination = 6,
  kSender = 7,
  kSignature = 8,
};

size_t RoundUp(size_t size, size_t boundary) { return (size + boundary - 1) / boundary * boundary; }

absl::Status Malformed(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("D-Bus: ", what));
}

void PutNumber32(std::string& out, uint32_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void PutField(std::string& out, Field field, char type, absl::string_view text) {
  if (text.empty()) return;
  out.resize(RoundUp(out.size(), 8));
  out += {static_cast<char>(field), 1, type, '\0'};
  if (type == 'g') {
    out += static_cast<char>(text.size());
  } else {
    PutNumber32(out, static_cast<uint32_t>(text.size()));
  }
  absl::StrAppend(&out, text);
  out += '\0';
}

// One of the header's fields, of which those of unknown names are passed over.
absl::Status ReadField(Reader& reader, Message& message) {
  reader.Align(8);
  const uint8_t field = reader.Byte();
  const absl::string_view type = reader.Signature();
  if (!reader.ok() || type.size() != 1) return Malformed("a header field has no simple type");
  if (field == kReplySerial && type == "u") {
    message.reply_serial = reader.Uint32();
  } else if (field == kSignature && type == "g") {
    message.signature = std::string(reader.Signature());
  } else if (type == "s" || type == "o") {
    const std::string text(reader.String());
    switch (field) {
      case kPath:
        message.path = text;
        break;
      case kInterface:
        message.interface = text;
        break;
      case kMember:
        message.member = text;
        break;
      case kErrorName:
        message.error_name = text;
        break;
      case kDestination:
        message.destination = text;
        break;
      case kSender:
        message.sender = text;
        break;
      default:
        break;
    }
  } else {
    reader.Skip(type[0]);
  }
  return reader.ok() ? absl::OkStatus() : Malformed("a header field is cut off");
}

}  // namespace

void Body::PutString(absl::string_view text) {
  Note("s");
  Align(4);
  PutNumber32(bytes_, static_cast<uint32_t>(text.size()));
  absl::StrAppend(&bytes_, text, absl::string_view("\0", 1));
}

void Body::PutBytes(absl::string_view bytes) {
  const size_t array = BeginArray("y");
  absl::StrAppend(&bytes_, bytes);
  EndArray(array);
}

size_t Body::BeginArray(absl::string_view element) {
  Note(absl::StrCat("a", element));
  ++nested_;
  Align(4);
  const size_t array = bytes_.size();
  PutNumber32(bytes_, 0);
  // The padding before the first element is not counted; it is there for an empty array, too.
  const absl::string_view eight_bytes = "xtd({";
  if (eight_bytes.find(element[0]) != absl::string_view::npos) Align(8);
  const auto start = static_cast<uint32_t>(bytes_.size());
  memcpy(&bytes_[array], &start, sizeof(start));  // until the end is known
  return array;
}

void Body::EndArray(size_t array) {
  --nested_;
  uint32_t size;
  memcpy(&size, &bytes_[array], sizeof(size));
  size = static_cast<uint32_t>(bytes_.size()) - size;
  memcpy(&bytes_[array], &size, sizeof(size));
}

void Body::BeginVariant(absl::string_view signature) {
  Note("v");
  ++nested_;
  bytes_ += static_cast<char>(signature.size());
  absl::StrAppend(&bytes_, signature, absl::string_view("\0", 1));
}

std::string Encode(const Message& message) {
  std::string fields;
  PutField(fields, kPath, 'o', message.path);
  PutField(fields, kInterface, 's', message.interface);
  PutField(fields, kMember, 's', message.member);
  PutField(fields, kErrorName, 's', message.error_name);
  PutField(fields, kDestination, 's', message.destination);
  PutField(fields, kSender, 's', message.sender);
  PutField(fields, kSignature, 'g', message.body.signature());
  if (message.reply_serial != 0) {
    fields.resize(RoundUp(fields.size(), 8));
    fields += {static_cast<char>(kReplySerial), 1, 'u', '\0'};
    PutNumber32(fields, message.reply_serial);
  }
  std::string out = {kLittleEndian, static_cast<char>(message.type), '\0',
                     static_cast<char>(kProtocolVersion)};
  PutNumber32(out, static_cast<uint32_t>(message.body.bytes().size()));
  PutNumber32(out, message.serial);
  PutNumber32(out, static_cast<uint32_t>(fields.size()));
  out += fields;
  out.resize(RoundUp(out.size(), 8));
  return out + message.body.bytes();
}

absl::StatusOr<std::optional<size_t>> SizeOfMessage(absl::string_view bytes) {
  if (bytes.size() < kFixedHeaderSize) return std::optional<size_t>();
  if (bytes[0] != kLittleEndian || bytes[3] != kProtocolVersion) {
    return Malformed("the other side speaks another version, or is big-endian");
  }
  Reader reader(bytes.substr(4, 12));
  const size_t body = reader.Uint32();
  reader.Uint32();  // the serial
  const size_t fields = reader.Uint32();
  if (fields > kMaxFields || body > kMaxMessage) return Malformed("a message is too long");
  const size_t size = RoundUp(kFixedHeaderSize + fields, 8) + body;
  if (size > kMaxMessage) return Malformed("a message is too long");
  return std::optional<size_t>(size);
}

absl::StatusOr<Message> Decode(absl::string_view bytes) {
  const absl::StatusOr<std::optional<size_t>> size = SizeOfMessage(bytes);
  if (!size.ok()) return size.status();
  if (!size->has_value() || **size != bytes.size()) return Malformed("a message is cut off");
  Message message;
  const auto type = static_cast<uint8_t>(bytes[1]);
  if (type < 1 || type > 4) return Malformed("a message of an unknown type");
  message.type = static_cast<MessageType>(type);
  Reader header(bytes.substr(4, 12));
  const size_t body = header.Uint32();
  message.serial = header.Uint32();
  const size_t end = kFixedHeaderSize + header.Uint32();
  Reader reader(bytes.substr(0, end));
  while (reader.position() < kFixedHeaderSize) reader.Byte();
  while (!reader.AtEnd()) {
    if (absl::Status status = ReadField(reader, message); !status.ok()) return status;
  }
  message.received_body = std::string(bytes.substr(bytes.size() - body));
  return message;
}

absl::string_view Reader::Take(size_t size) {
  if (!ok_ || size > bytes_.size() - position_) {
    ok_ = false;
    return {};
  }
  const absl::string_view taken = bytes_.substr(position_, size);
  position_ += size;
  return taken;
}

void Reader::Align(size_t boundary) { Take(RoundUp(position_, boundary) - position_); }

uint8_t Reader::Byte() {
  const absl::string_view byte = Take(1);
  return byte.empty() ? uint8_t{0} : static_cast<uint8_t>(byte[0]);
}

uint32_t Reader::Uint32() {
  Align(4);
  uint32_t value = 0;
  if (const absl::string_view bytes = Take(sizeof(value)); ok_) {
    memcpy(&value, bytes.data(), sizeof(value));
  }
  return value;
}

uint64_t Reader::Uint64() {
  Align(8);
  uint64_t value = 0;
  if (const absl::string_view bytes = Take(sizeof(value)); ok_) {
    memcpy(&value, bytes.data(), sizeof(value));
  }
  return value;
}

absl::string_view Reader::String() {
  const uint32_t size = Uint32();
  const absl::string_view text = Take(size);
  if (Byte() != 0) ok_ = false;
  return ok_ ? text : absl::string_view();
}

absl::string_view Reader::Signature() {
  const absl::string_view text = Take(Byte());
  if (Byte() != 0) ok_ = false;
  return ok_ ? text : absl::string_view();
}

void Reader::Skip(char type) {
  switch (type) {
    case 'y':
      Byte();
      break;
    case 'b':
    case 'i':
    case 'u':
    case 'h':
      Uint32();
      break;
    case 'x':
    case 't':
    case 'd':
      Uint64();
      break;
    case 's':
    case 'o':
      String();
      break;
    case 'g':
      Signature();
      break;
    default:
      ok_ = false;
  }
}

}  // namespace tiny::dbus

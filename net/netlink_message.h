// Netlink messages as bytes: a builder that checks every bound before it writes, and readers that
// never look past the end. No system calls. Source: netlink(7),
// Documentation/userspace-api/netlink.
//
//   MessageBuilder batch;
//   batch.Begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, "create bridge td0");
//   batch.PutHeader(ifinfomsg{.ifi_family = AF_UNSPEC});
//   batch.PutString(IFLA_IFNAME, "td0");
//   {
//     auto info = batch.Nest(IFLA_LINKINFO);
//     batch.PutString(IFLA_INFO_KIND, "bridge");
//   }
//   RETURN_IF_ERROR(socket.Execute(batch));
#ifndef TINY_NET_NETLINK_MESSAGE_H_
#define TINY_NET_NETLINK_MESSAGE_H_

#include <linux/netlink.h>
#include <string.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tiny::net {

template <typename T>
absl::string_view BytesOf(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return absl::string_view(reinterpret_cast<const char*>(&value), sizeof(T));
}

// What a batch remembers of a message beside its bytes.
struct RequestInfo {
  std::string what;      // operation and object, for errors
  size_t offset = 0;     // of its nlmsghdr
  int tolerated = 0;     // an errno that counts as success, such as EEXIST; 0: none
  bool answered = true;  // false: the kernel says nothing about it (the ends of an nft batch)
};

// One or more messages for one sendmsg(2). Thread-compatible.
//
// Nothing is truncated: an attribute over 65535 bytes, a batch over kMaxBatch or one put where
// there is no message makes status() kInvalidArgument, and Execute refuses to send.
class MessageBuilder {
 public:
  static constexpr size_t kMaxBatch = size_t{8} << 20;

  // Closes the nested attribute that it stands for when it goes out of scope. Nests close in the
  // order opposite to that in which they were opened.
  class [[nodiscard]] NestScope {
   public:
    NestScope(NestScope&& other) noexcept : builder_(other.builder_), offset_(other.offset_) {
      other.builder_ = nullptr;
    }
    NestScope(const NestScope&) = delete;
    NestScope& operator=(const NestScope&) = delete;
    ~NestScope() {
      if (builder_ != nullptr) builder_->CloseNest(offset_);
    }

   private:
    friend class MessageBuilder;
    NestScope(MessageBuilder* builder, size_t offset) : builder_(builder), offset_(offset) {}
    MessageBuilder* builder_;
    size_t offset_;
  };

  // Starts a message; the one before it is complete. NLM_F_REQUEST is added.
  void Begin(uint16_t type, uint16_t flags, absl::string_view what, int tolerated_errno = 0);
  // The same for a message that the kernel does not answer by itself.
  void BeginUnanswered(uint16_t type, uint16_t flags, absl::string_view what);

  // The fixed header of the message's family: ifinfomsg, rtmsg, nfgenmsg, ...
  template <typename T>
  void PutHeader(const T& header) {
    PutBytes(BytesOf(header));
  }

  void Put(uint16_t type, absl::string_view payload);
  void PutString(uint16_t type, absl::string_view text);  // with a NUL; one inside is refused
  void PutFlag(uint16_t type) { Put(type, absl::string_view()); }
  template <typename T>
  void PutValue(uint16_t type, const T& value) {
    Put(type, BytesOf(value));
  }
  void PutBe32(uint16_t type, uint32_t value);
  void PutBe64(uint16_t type, uint64_t value);

  NestScope Nest(uint16_t type);

  // Raw bytes, padded to 4: for headers inside nests (VETH_INFO_PEER has one).
  void PutBytes(absl::string_view bytes);

  const absl::Status& status() const { return status_; }
  const std::vector<RequestInfo>& requests() const { return requests_; }
  bool empty() const { return requests_.empty(); }
  absl::string_view bytes() const { return buffer_; }
  void Clear();

  // For the transport: numbers the messages from `first_sequence` on, asks for an acknowledgement
  // of the last one that can be answered (errors come unasked), and returns the finished bytes.
  absl::string_view Finish(uint32_t first_sequence);

 private:
  void CloseNest(size_t offset);
  void CloseMessage();
  // True when `size` more bytes fit.
  bool Reserve(size_t size);
  void Fail(absl::string_view why);

  std::string buffer_;
  std::vector<RequestInfo> requests_;
  absl::Status status_;
};

// One attribute of a received message; valid as long as the message is.
struct AttributeView {
  uint16_t type = 0;  // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
  absl::string_view payload;

  // The payload's first bytes as a T; nothing if there are too few.
  template <typename T>
  std::optional<T> As() const {
    static_assert(std::is_trivially_copyable_v<T>);
    if (payload.size() < sizeof(T)) return std::nullopt;
    T value;
    memcpy(&value, payload.data(), sizeof(T));
    return value;
  }
  uint32_t U32() const { return As<uint32_t>().value_or(0); }
  uint32_t Be32() const;
  uint64_t Be64() const;
  absl::string_view String() const { return payload.substr(0, payload.find('\0')); }
};

// Walks through a run of attributes; stops at the first malformed one.
//   for (AttributeReader reader(payload); auto attribute = reader.Next();) ...
class AttributeReader {
 public:
  explicit AttributeReader(absl::string_view bytes) : rest_(bytes) {}
  std::optional<AttributeView> Next();
  bool malformed() const { return malformed_; }

 private:
  absl::string_view rest_;
  bool malformed_ = false;
};

// The first attribute of that type.
std::optional<AttributeView> FindAttribute(absl::string_view bytes, uint16_t type);

// One message of a received datagram.
struct MessageView {
  nlmsghdr header = {};
  absl::string_view payload;  // after the nlmsghdr

  // The family's fixed header, and the attributes after it.
  template <typename T>
  std::optional<T> Header() const {
    return AttributeView{0, payload}.As<T>();
  }
  template <typename T>
  absl::string_view AttributesAfter() const {
    constexpr size_t kAligned = NLMSG_ALIGN(sizeof(T));
    return payload.size() < kAligned ? absl::string_view() : payload.substr(kAligned);
  }
};

// Walks through a datagram's messages; stops at the first malformed one.
class MessageReader {
 public:
  explicit MessageReader(absl::string_view bytes) : rest_(bytes) {}
  std::optional<MessageView> Next();
  bool malformed() const { return malformed_; }

 private:
  absl::string_view rest_;
  bool malformed_ = false;
};

// What an NLMSG_ERROR message says.
struct Acknowledgement {
  int error_number = 0;  // positive; 0: done
  std::string text;      // the kernel's extended acknowledgement; may be empty
};
std::optional<Acknowledgement> ParseAcknowledgement(const MessageView& message);

}  // namespace tiny::net

#endif  // TINY_NET_NETLINK_MESSAGE_H_
